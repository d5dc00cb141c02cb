"""Help bubbles say what the glossary says."""

import pytest

from tests.test_glossary import TERMS
from workbench.app.terms import explained, term
from workbench.errors import UnknownNameError


@pytest.mark.parametrize("name", [row[0] for row in TERMS])
def test_every_term_of_the_glossary_has_a_bubble_with_meaning_and_source(name):
    row = next(row for row in TERMS if row[0] == name)
    assert "](" not in term(name)
    assert ("Source" in term(name)) == bool(row[2])
    assert explained(name)


def test_plural_capitals_and_dashes_name_the_same_term():
    assert term("folds") == term("Fold")
    assert term("dose–response") == term("dose-response")


def test_a_term_that_the_glossary_lacks_is_a_fault_of_the_page():
    with pytest.raises(UnknownNameError, match="Did you mean 'SRCC'"):
        term("SRC")


def test_an_everyday_word_within_a_heading_is_not_explained():
    assert explained("Level of detail") == ""
    assert explained("the map") == ""
    assert explained("SRCC, 95 % interval").startswith("Spearman")
