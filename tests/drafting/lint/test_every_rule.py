"""What every registered rule keeps to; a new one is found by itself."""

import re

import pytest

from tests.drafting.lint.bad_sentences import BAD
from tests.drafting.lint.planted import JPEG, planted_subject
from workbench.distortions import catalogue
from workbench.domain.attributes import AttributeSet
from workbench.drafting.lint import lint, rules
from workbench.drafting.lint.rule import Subject
from workbench.errors import UnknownNameError

EVERY = pytest.mark.parametrize("rule", rules().values(), ids=list(rules()))
OTHERS_TESTED = {  # in test_meaning.py, test_opposites.py, test_probe.py and test_rules_on_text.py
    "also_fires_on", "content_driven", "dead", "fires_on_opposite", "inverted", "misplaced",
    "nonsense", "polarity_collapse", "saturated", "too_long",
}  # fmt: skip


def test_rules_were_found_and_each_has_something_that_it_must_find():
    assert set(rules()) == set(BAD) | OTHERS_TESTED


@EVERY
def test_it_says_what_it_finds_on_one_line(rule):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", rule.name)
    assert rule.says
    assert "\n" not in rule.says


@EVERY
def test_it_is_silent_where_nothing_was_measured_and_nothing_is_wrong(rule):
    specs = catalogue()
    assert rule.check(Subject(specs["jpeg"], "square tiles", specs)) is None
    assert rule.check(planted_subject(JPEG)) is None


@EVERY
def test_words_that_are_none_do_not_break_it(rule):
    specs = catalogue()
    for phrase in ("…", "—", "块状边缘", "🙂 🙂", "and", ";", "/", ",", "a, b", "is"):
        found = rule.check(Subject(specs["jpeg"], phrase, specs))
        assert found is None or found.suggestion


def test_what_a_rule_needs_decides_whether_it_is_run(pristine):
    attributes = AttributeSet.from_phrases({"jpeg": ["jpeg look"]})
    only = {finding.rule for finding in lint(attributes, catalogue(), polarity=pristine)}
    assert only == {"names_distortion"}


def test_an_unknown_rule_is_named(pristine):
    with pytest.raises(UnknownNameError, match="Did you mean 'not_visual'"):
        lint(AttributeSet(by_distortion={}), catalogue(), polarity=pristine, only=["not_visuel"])
