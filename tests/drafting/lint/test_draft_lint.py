"""Findings that are kept up to date are those that a comparison with everything would give."""

import random

import pytest

from workbench.distortions import catalogue as every_type
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.drafting.lint import DraftLint, lint_phrase, rules

WORDS = ["no", "soft", "sharper", "softer", "edges", "lines", "blocks", "brighter", "darker", "sky",
         "vivid", "faded", "colours", "colour", "JPEG", "haze", "of", "squares"]  # fmt: skip
TYPES = ["jpeg", "haze", "mean_shift"]


@pytest.fixture(scope="module")
def catalogue():
    return every_type()


def judged(entries, catalogue, id):
    """What `lint_phrase` says, as sets: of several equals it names another one first."""
    sets = {
        d: tuple(
            Attribute(phrase=p, identity=f"{i:032x}") for i, (e, p) in entries.items() if e == d
        )
        for d in TYPES
    }
    distortion, phrase = entries[id]
    only = [rule.name for rule in rules().values() if rule.needs == "words"]
    findings = lint_phrase(
        phrase,
        distortion,
        AttributeSet(by_distortion=sets),
        catalogue,
        polarity=lambda phrases: [(phrase, "") for phrase in phrases],
        identity=f"{id:032x}",
        only=only,
    )
    return {(f.rule, f.severity) for f in findings}


@pytest.mark.parametrize("seed", range(4))
def test_after_any_edits_each_finding_is_what_comparing_with_all_would_find(seed, catalogue):
    chance = random.Random(seed)
    draft, entries = DraftLint(catalogue), {}
    for _step in range(60):
        id = chance.randrange(1, 25)
        if id in entries and chance.random() < 0.3:
            del entries[id]
            draft.drop(id)
        else:
            phrase = " ".join(chance.sample(WORDS, chance.randrange(1, 5)))
            new = (chance.choice(TYPES), Attribute(phrase=phrase).phrase)
            if any(new[0] == d and new[1].casefold() == p.casefold() for d, p in entries.values()):
                continue
            entries[id] = new
            draft.put(id, *new)
        if chance.random() < 0.4:
            draft.work(60)
    draft.work(60)
    assert draft.pending == 0
    for id in entries:
        found = {(f.rule, f.severity) for f in draft.findings(id)}
        assert found == judged(entries, catalogue, id), entries[id]


def test_who_is_seen_is_judged_first_and_the_rest_in_slices(catalogue):
    draft = DraftLint(catalogue)
    for id in range(1, 50):
        draft.put(id, "jpeg", f"spots of size {id}")
    assert draft.work(0, first=[40, 41, 99]) == [40, 41]
    assert draft.findings(40) is not None
    assert draft.findings(1) is None
    draft.work(60)
    assert draft.pending == 0


def test_a_type_that_the_catalogue_lacks_has_no_findings(catalogue):
    draft = DraftLint(catalogue)
    draft.put(1, "left_over", "JPEG squares")
    draft.work(60)
    assert draft.findings(1) == ()
