"""Every figure of the objective against its closed form or another library."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from workbench.domain.attributes import AttributeSet
from workbench.domain.objective import Objective, objective_of
from workbench.drafting.improvement.measuring import Bench, faults_of, likeness, win_shares
from workbench.drafting.improvement.quality import QualityTerm
from workbench.errors import ConfigError, UnknownNameError

from .conftest import GOOD, PLANTED, TYPES


@pytest.fixture(scope="module")
def response(bench):
    """Return the probabilities of a phrase on all images, by the probe's own product."""

    def of(phrase):
        pairs = bench.polarity([phrase])[0]
        return bench.probe.response(bench.text.encode_texts(pairs).numpy())

    return of


@pytest.mark.parametrize("distortion", TYPES)
def test_identification_is_the_area_under_the_curve_against_all_else(bench, response, distortion):
    phrase = GOOD[distortion][0]
    (evidence,) = bench.evidence(distortion, [phrase])
    probability = response(phrase).probability
    own = probability[distortion][:, 1:].ravel()
    rest = [probability[distortion][:, 0]]
    rest += [probability[d][:, 1:].ravel() for d in TYPES if d != distortion]
    scores = np.concatenate([own, *rest])
    labels = np.arange(len(scores)) < len(own)
    assert evidence.auc == pytest.approx(roc_auc_score(labels, scores))


@pytest.mark.parametrize("distortion", TYPES)
def test_strength_and_specificity_are_those_of_lint(bench, response, distortion):
    phrase = GOOD[distortion][1]
    (evidence,) = bench.evidence(distortion, [phrase])
    grounding = response(phrase).grounding(distortion)
    assert evidence.srcc == pytest.approx(grounding.srcc)
    assert evidence.specificity == pytest.approx(grounding.auc)
    table = response(phrase).probability[distortion]
    strength = bench.probe.strengths[distortion]
    assert evidence.srccs == pytest.approx([spearmanr(strength, row).statistic for row in table])


def test_a_tie_is_half_a_win():
    shares = win_shares(np.array([[0.5], [0.2]]), np.array([0.5, 0.1]))
    assert shares.tolist() == [[0.75], [0.5]]


def test_the_score_is_the_stated_sum(bench):
    objective = Objective(identification=0.5, strength=0.25, specificity=0.25, redundancy=0.3,
                          dead=0.2)  # fmt: skip
    own = Bench(bench.probe, bench.catalogue, bench.text, bench.polarity, objective)
    evidence = own.evidence("jpeg", [*GOOD["jpeg"][:2], "visible grid of little square blocks"])
    repeats = likeness(evidence)
    terms = [
        0.5 * e.auc + 0.25 * e.srcc + 0.25 * e.specificity - 0.3 * alike - 0.2 * len(e.dead) / 5
        for e, alike in zip(evidence, repeats, strict=True)
    ]
    assert own.score(evidence) == pytest.approx(np.mean(terms))
    assert own.by_example(evidence).shape == (3, 5)
    assert own.by_example(evidence).mean() == pytest.approx(own.score(evidence))
    assert repeats[:2] == [0.0, 0.0]
    assert 0.3 < repeats[2] <= 1.0
    assert own.figures(evidence, 2).score == pytest.approx(terms[2], abs=1e-4)


def test_a_gain_is_that_of_one_sentence_whatever_their_number(bench):
    before = bench.evidence("jpeg", GOOD["jpeg"])
    worse = bench.evidence("jpeg", ["an unpaid invoice"])
    gain, low = bench.gain_interval([worse[0], *before[1:]], before)
    alone, _ = bench.gain_interval(worse, before[:1])
    assert gain == pytest.approx(alone)
    assert low <= gain


def test_a_sentence_is_measured_once(bench):
    own = Bench(bench.probe, bench.catalogue, bench.text, bench.polarity, bench.objective)
    own.evidence("jpeg", GOOD["jpeg"])
    first = own.evidence("jpeg", GOOD["jpeg"])
    assert own.measured == 3
    assert own.evidence("jpeg", [GOOD["jpeg"][0]])[0] is first[0]


def test_a_type_without_photographs_is_named(bench):
    with pytest.raises(UnknownNameError, match="Unknown measured type 'pixelate'"):
        bench.evidence("pixelate", ["coarse mosaic"])


def test_good_sentences_are_not_at_fault(bench):
    for d, phrases in GOOD.items():
        evidence = bench.evidence(d, phrases)
        assert [faults_of(evidence, i, bench.catalogue) for i in range(3)] == [[], [], []]


def test_faults_are_said_in_words(bench):
    double, neighbour = PLANTED["gaussian_blur", 2], PLANTED["white_noise", 0]
    evidence = bench.evidence("gaussian_blur", [*GOOD["gaussian_blur"][:2], double])
    assert faults_of(evidence, 2, bench.catalogue) == [
        f"says the same as '{GOOD['gaussian_blur'][0]}'"
    ]
    (clause, *_) = faults_of(bench.evidence("white_noise", [neighbour]), 0, bench.catalogue)
    assert "White noise" in clause


def test_quality_is_the_squared_partial_correlation_given_the_other_sentences():
    draws = np.random.default_rng(0)
    photographs, levels = 6, 4
    odds = {d: draws.normal(size=(2, photographs, 1 + 2 * levels)) for d in ("a", "b")}
    columns = np.concatenate([own.reshape(2, -1) for own in odds.values()])
    noise = draws.normal(size=columns.shape[1])
    quality = (columns.T @ [0.8, 0.1, 0.5, 0.0] + noise).reshape(photographs, -1)
    scores = {
        d: np.column_stack([quality[:, :1], quality[:, 1 + n * levels :][:, :levels]])
        for n, d in enumerate(odds)
    }
    added = QualityTerm(scores, odds).added("a", odds["a"])
    assert added.shape == (2, photographs)
    for index in range(2):
        rest = np.column_stack([np.ones(len(noise)), np.delete(columns, index, axis=0).T])
        left = [
            values - rest @ np.linalg.lstsq(rest, values, rcond=None)[0]
            for values in (quality.ravel(), columns[index])
        ]
        assert added[index].mean() == pytest.approx(np.corrcoef(*left)[0, 1] ** 2, abs=0.01)
    assert added[0].mean() > 0.2 > added[1].mean()


def test_a_sentence_that_repeats_another_adds_nothing_to_quality(bench):
    twice = AttributeSet.from_phrases({d: own[:2] for d, own in GOOD.items()})
    levels = {d: table.shape[1] for d, table in bench.probe.embeddings.items()}
    scores = {d: np.linspace(1, 0, n)[None].repeat(3, 0) for d, n in levels.items()}
    own = bench.with_quality(scores, twice)
    evidence = own.evidence("jpeg", [*GOOD["jpeg"], GOOD["jpeg"][0]])
    figures = [own.figures(evidence, index) for index in range(4)]
    assert figures[3].quality < 0.005  # the ridge shrinks its twin a little
    assert figures[1].quality > 0.01


@pytest.mark.parametrize(
    ("weights", "scored", "said"),
    [
        ("", False, "0.4 AUC + 0.3 SRCC + 0.3 specificity - 0.2 redundancy - 0.1 dead levels"),
        ("strength=0, dead=0", True, "0.4 AUC + 0.3 specificity + 0.3 quality - 0.2 redundancy"),
    ],
)
def test_the_objective_is_stated(weights, scored, said):
    assert objective_of(weights, scored=scored).said() == said


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ("qualty=1", "Did you mean 'quality'"),
        ("strength", "'strength' is no weight"),
        ("strength=2", "must be from 0 to 1"),
        ("quality=.5", "no weight without scores"),
        ("identification=0,strength=0,specificity=0", "must have a weight above 0"),
    ],
)
def test_weights_that_say_nothing_are_refused(weights, fault):
    with pytest.raises(ConfigError, match=fault):
        objective_of(weights, scored=False)


def test_what_it_takes_to_replace_a_sentence_grows_with_the_weights():
    doubled = Objective(identification=0.8, strength=0.6, specificity=0.6)
    assert doubled.least(faulty=True) == pytest.approx(2 * Objective().least(faulty=True))
