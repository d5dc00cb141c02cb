"""The polarity test: opposites with known answers, and the antonyms that ship."""

from dataclasses import replace

import numpy as np
import pytest

from tests.drafting.lint.planted import JPEG, LEVELS, PHOTOGRAPHS, STRENGTH, planted_subject
from workbench.distortions import catalogue
from workbench.domain.attributes import AttributeSet
from workbench.drafting.lint import lint, rules
from workbench.drafting.lint.opposites import Opposites, antonyms, follows_fault, opposites_of
from workbench.drafting.lint.rules.opposite import topics_alone
from workbench.drafting.lint.words import NEGATIONS, words

pytestmark = pytest.mark.slow

ITSELF = planted_subject(JPEG).response.probability["jpeg"]
QUIET = np.tile(0.2 - 0.1 * STRENGTH, (PHOTOGRAPHS, 1))  # as an opposite should: it falls
LOUD = np.full((PHOTOGRAPHS, LEVELS + 1), 0.8)


def subject_with(*tables, encoder_share=0.0):
    named = {f"no {number}": table for number, table in enumerate(tables)}
    return replace(planted_subject(JPEG), opposites=Opposites(named, encoder_share))


def told(subject):
    return rules()["fires_on_opposite"].check(subject)


def test_an_opposite_that_falls_is_as_it_should_be():
    assert told(subject_with(QUIET, QUIET)) is None


def test_opposites_that_do_as_the_phrase_itself_are_told_with_both_figures():
    finding = told(subject_with(ITSELF, ITSELF, QUIET))
    assert finding.severity == "doubt"
    assert finding.figures["opposite_srcc"] == finding.figures["srcc"] == 1
    assert "median SRCC of +1.00 (itself +1.00)" in finding.reason


def test_opposites_that_follow_less_than_the_phrase_are_left_alone():
    noisy = 0.3 + 0.1 * np.array([[0, 2, 1, 4, 3, 2]] * PHOTOGRAPHS)  # SRCC .6 against 1
    assert told(subject_with(noisy / 2, noisy / 2)) is None


def test_opposites_that_fire_at_the_strongest_level_are_told_though_they_do_not_follow():
    finding = told(subject_with(LOUD, QUIET))
    assert finding.figures["opposite_firing"] == 0.5
    assert "50% of them are above one half" in finding.reason


def test_one_photograph_that_fires_is_noise():
    once = QUIET.copy()
    once[0, -1] = 0.9
    assert told(subject_with(once, QUIET)) is None


def test_without_known_antonyms_it_is_a_hint():
    assert told(subject_with(ITSELF, encoder_share=None)).severity == "hint"


def test_an_encoder_that_fails_is_told_once_for_the_whole_set():
    failing = [subject_with(ITSELF, encoder_share=0.8) for _ in range(3)]
    subjects = [*failing, subject_with(QUIET, encoder_share=0.8)]
    assert [told(subject) for subject in subjects] == [None] * 4
    finding = topics_alone(subjects)
    assert finding.severity == "hint"
    assert "80% of the known antonyms" in finding.reason
    assert "3 of 4 attributes" in finding.reason
    assert topics_alone([subject_with(ITSELF, encoder_share=0.4)]) is None


def test_the_firing_share_counts_photographs_and_opposites_alike():
    half = LOUD.copy()
    half[: PHOTOGRAPHS // 2] = 0.1
    assert follows_fault(STRENGTH, [half, QUIET])["firing"] == 0.25


@pytest.mark.parametrize(
    ("phrase", "opposites"),
    [
        ("square tiles", ("no square tiles", "no visible square tiles at all")),
        ("absence of any vivid colour", ()),
        ("brighter skin", ("no brighter skin", "no visible brighter skin at all", "darker skin")),
    ],
)
def test_a_phrase_is_negated_once_and_its_pole_swapped(phrase, opposites):
    assert opposites_of(phrase, "somebodys_own") == opposites


def test_the_types_of_kadid_and_of_cameras_have_two_antonyms_each_that_negate_nothing():
    known = catalogue()
    expected = {
        spec.id
        for spec in known.values()
        if spec.source.startswith("KADID") or spec.group == "camera"
    }
    assert expected <= set(antonyms()) <= set(known)
    for phrases in antonyms().values():
        assert len(set(phrases)) == 2
        assert not any(NEGATIONS & {*words(phrase)} for phrase in phrases)


def test_a_set_is_told_of_the_encoder_or_of_its_attributes_never_both(text, probe, pristine):
    attributes = AttributeSet.from_phrases(
        {"gaussian_blur": ["softened edges", "blurry hair"], "jpeg": ["square tiles"]}
    )
    found = lint(
        attributes, catalogue(), text=text, probe=probe, polarity=pristine,
        only=["fires_on_opposite"],
    )  # fmt: skip
    severities = [finding.severity for finding in found]
    assert severities in (["hint"], ["doubt"] * len(found))
    assert all(finding.figures["opposite_srcc"] <= 1 for finding in found)
