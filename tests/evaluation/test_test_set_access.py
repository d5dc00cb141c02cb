"""What choosing and looking do to a claim, against data whose truth is known."""

import numpy as np
import pytest

from workbench.domain.comparison import AccessCount, labels_of
from workbench.domain.metrics import Undefined
from workbench.evaluation.comparable import ComparedRuns, hash_of_test_set
from workbench.evaluation.paired_comparison import compare_runs
from workbench.evaluation.test_set_access import (
    MANY_ACCESSES,
    corrected_for_access,
    corrected_for_choosing,
    p_after_access,
)
from workbench.report.wording import access_and_choice_sentences, access_sentences, verdict_sentence

from .clustered_images import judge_choice, share
from .comparison_factory import make_run, with_result

pytestmark = pytest.mark.slow

RUNS = (make_run(1, word="draft", noise=0.3), make_run(2, word="curated", noise=0.1, seed=5))
COMPARISON = compare_runs(ComparedRuns.of(RUNS, ["draft", "curated"]), resamples=1000)
(PAIR,) = COMPARISON.pairs


OTHERS = tuple(make_run(3 + n, word=f"try {n}", noise=0.4, seed=7 + n) for n in range(3))
LOOKS = AccessCount(test_hash=COMPARISON.test_hash, looks=2, versions=2)


@pytest.fixture(scope="module")
def chosen():
    """Three hundred times the best of ten equal versions, on 20 photographs."""
    return list(judge_choice(10, 20, 300, resamples=150))


def test_the_best_of_equal_versions_seems_too_good_and_corrected_it_does_not(chosen):
    bias = {
        field: np.array([getattr(one, field) for one in chosen])
        for field in ("naive", "corrected", "single")
    }
    error = {field: values.std() / np.sqrt(len(values)) for field, values in bias.items()}
    assert bias["naive"].mean() > 5 * error["naive"]
    # The single ones carry the same chance of photographs: only what choosing adds is judged.
    left = bias["corrected"] - bias["single"]
    assert abs(left.mean()) < 3 * left.std() / np.sqrt(len(left)) + 0.0005
    assert abs(bias["corrected"].mean()) < 3 * error["corrected"] + 0.001


def test_among_equal_versions_the_best_is_rarely_better_after_looks_and_often_before(chosen):
    assert share(chosen, "better") > 0.08
    assert share(chosen, "better_looked") <= 0.05
    assert share(chosen, "interval_holds") >= 0.92


def test_a_truly_better_version_keeps_its_figure():
    generator = np.random.default_rng(0)
    target = generator.random(600)
    tried = [target + noise * generator.normal(size=600) for noise in (0.05, 0.5, 0.5)]
    found = corrected_for_choosing(target, tried, [n // 20 for n in range(600)], [7, 8, 9])
    assert (found.candidates, found.chosen) == (3, 7)
    assert found.corrected == pytest.approx(found.srcc, abs=1e-3)
    assert found.ci[0] < found.corrected < found.ci[1]


def test_candidates_without_an_srcc_cannot_be_chosen():
    target = list(np.linspace(0, 1, 40))
    photographs = [n // 4 for n in range(40)]
    flat = [0.5] * 40
    assert corrected_for_choosing(target, [flat, target], photographs, [1, 2]).chosen == 2
    nothing = corrected_for_choosing(target, [flat, flat], photographs, [1, 2])
    assert nothing.corrected == Undefined(undefined="no candidate has an SRCC")
    halves = [n // 20 for n in range(40)]
    two = corrected_for_choosing(target, [target, target[::-1]], halves, [1, 2])
    assert two.corrected == Undefined(undefined="2 photographs, and 3 are needed")
    assert two.ci is None


@pytest.mark.parametrize(
    ("p", "holm", "candidates", "expected"),
    [
        (0.01, 0.01, 2, 0.01),  # one candidate beside the baseline: nothing to correct
        (0.01, 0.01, 4, 0.03),
        (0.01, 0.06, 4, 0.06),  # never below Holm
        (0.4, 0.4, 9, 1.0),
        (0.01, 0.01, 1, 0.01),
    ],
)
def test_p_is_multiplied_by_the_candidates(p, holm, candidates, expected):
    pair = PAIR.model_copy(update={"p": p, "p_holm": holm})
    assert p_after_access(pair, candidates) == pytest.approx(expected)


def test_an_undefined_p_stays_so():
    none = Undefined(undefined="why")
    assert p_after_access(PAIR.model_copy(update={"p": none, "p_holm": none}), 5) == none


def test_looks_take_a_verdict_back_and_say_so():
    close = PAIR.model_copy(update={"p": 0.02, "p_holm": 0.02, "verdict": "better"})
    comparison = COMPARISON.model_copy(update={"pairs": (close,)})
    (held,) = corrected_for_access(comparison, LOOKS, RUNS).pairs
    assert (held.verdict, held.p_looked) == ("better", 0.02)
    (taken,) = corrected_for_access(comparison, LOOKS, (*RUNS, *OTHERS)).pairs
    assert (taken.verdict, taken.p_looked) == ("not distinguishable", 0.08)
    assert taken.reason == (
        "Alone it would be better; among 5 candidates looked at on this test part it is not."
    )
    assert "p = .020, .080 after all accesses" in verdict_sentence(taken, labels_of(comparison))


def test_a_candidate_is_a_version_under_a_configuration_and_counts_once():
    pair = PAIR.model_copy(update={"p": 0.02, "p_holm": 0.02})
    comparison = COMPARISON.model_copy(update={"pairs": (pair,)})
    again = tuple(run.model_copy(update={"id": run.id + 10}) for run in RUNS)
    seed = RUNS[1].config.model_copy(update={"seed": 9})
    other_seed = again[1].model_copy(update={"config": seed})
    for runs, candidates in ((RUNS + again, 2), ((*RUNS, other_seed), 3)):
        found = corrected_for_access(comparison, LOOKS, runs)
        assert found.looks.choice.candidates == candidates
        assert found.pairs[0].p_looked == pytest.approx(0.02 * (candidates - 1))


def test_what_looks_do_is_told_in_words():
    many_looks = LOOKS.model_copy(update={"looks": MANY_ACCESSES, "versions": 4})
    found = corrected_for_access(COMPARISON, many_looks, (*RUNS, *OTHERS))
    first, bonferroni, best, many = access_and_choice_sentences(found.looks)
    assert first == f"Test set {COMPARISON.test_hash[:8]}… accessed 10 times, 4 versions."
    assert bonferroni == (
        "Of 5 candidates, each a version under a configuration, one was the baseline: each p-value "
        "is multiplied by 4 (Bonferroni)."
    )
    assert best.startswith("SRCC of the best of 5 candidates (run 2), corrected for choosing: ")
    assert "in one case of seven" in many
    assert "--locked" in many
    assert access_sentences(found.looks) == (first, many)


def test_two_candidates_need_no_factor_and_one_no_choice():
    count, best = access_and_choice_sentences(corrected_for_access(COMPARISON, LOOKS, RUNS).looks)
    assert best.startswith("SRCC of the best of 2 candidates")
    assert access_and_choice_sentences(corrected_for_access(COMPARISON, LOOKS, RUNS[:1]).looks) == (
        count,
    )
    assert access_sentences(LOOKS) == (count,)


def test_a_test_part_is_its_images_and_not_their_order_or_the_seeds():
    result = RUNS[0].result
    turned = {name: column[::-1] for name, column in result.predictions}
    again = with_result(
        RUNS[0],
        predictions=type(result.predictions)(**turned),
        protocol=result.protocol.model_copy(update={"split": "training seed 9"}),
    ).result
    name = hash_of_test_set(result.protocol, result.predictions)
    assert name == COMPARISON.test_hash == hash_of_test_set(again.protocol, again.predictions)
    fewer = make_run(1, photographs=11).result.predictions
    other = result.protocol.model_copy(update={"data_hash": "e" * 64})
    assert name != hash_of_test_set(result.protocol, fewer)
    assert name != hash_of_test_set(other, result.predictions)
