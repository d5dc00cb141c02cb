"""Figures of naming under resampling, and verdicts, against scikit-learn and planted truth."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from tests.evaluation.clustered_images import share
from tests.evaluation.comparison_factory import make_run, with_result
from tests.evaluation.named_images import POOLS, judge_named
from workbench.domain.comparison import AccessCount, Comparison
from workbench.domain.metrics import Undefined
from workbench.evaluation.bootstrap import draw_photographs
from workbench.evaluation.comparable import ComparedRuns, Strengths
from workbench.evaluation.correlation import srcc
from workbench.evaluation.identification import identification_metrics
from workbench.evaluation.naming_splits import MAIN, Split, naming, weighted_average_precision
from workbench.evaluation.paired_comparison import compare_runs
from workbench.evaluation.test_set_access import corrected_for_access
from workbench.report.wording import verdict_lines, verdict_words

PHOTOGRAPHS, TYPES, LEVELS = 9, 3, 4


def made(*, noise=0.25, seed=0, several=False):
    """Strengths with ties, of images with one fault or several, and each image's photograph."""
    generator = np.random.default_rng(seed)
    level = generator.integers(0, LEVELS + 1, (PHOTOGRAPHS * 14, TYPES))
    if not several:
        level *= np.eye(TYPES, dtype=int)[generator.integers(0, TYPES, len(level))]
    true, groups = level / LEVELS, np.repeat(np.arange(PHOTOGRAPHS), 14)
    offset = noise * generator.normal(size=(PHOTOGRAPHS, 1))[groups]  # some photographs are harder
    told = true + offset + noise / 2 * generator.normal(size=true.shape)
    predicted = np.round(np.clip(told, 0, 1), 2)
    kept = Strengths(
        true.astype(np.float32), predicted.astype(np.float32), tuple("abc"), (LEVELS,) * TYPES
    )
    return kept, groups


def figures_of(strengths, rows):
    """The figures by their definition, over rows that may repeat; AP and F1 by scikit-learn."""
    true, predicted = strengths.true[rows], strengths.predicted[rows]
    plain = identification_metrics(true, predicted, levels=strengths.levels)
    present, called = true > 0, predicted >= 1 / (2 * LEVELS)
    both = range(TYPES)
    return {
        "mean_average_precision": np.mean(
            [average_precision_score(present[:, d], predicted[:, d]) for d in both]
        ),
        "macro_f1": f1_score(present, called, average="macro"),
        "top1_type": plain.top1_type,
        "strength_srcc": plain.strength_srcc,
        "rmse": plain.rmse,
    }


@pytest.mark.parametrize("several", [False, True])
def test_every_figure_is_that_of_identification_and_of_scikit_learn(several):
    strengths, groups = made(several=several)
    expected = figures_of(strengths, np.arange(len(groups)))
    for name, split in naming(strengths, groups).figures.items():
        assert split.value == pytest.approx(expected[name], abs=1e-6), name


@pytest.mark.parametrize("several", [False, True])
def test_without_a_photograph_each_figure_is_that_of_the_other_images(several):
    strengths, groups = made(several=several)
    linear = ("top1_type", "rmse")  # split by their derivative, not by leaving out
    for name, split in naming(strengths, groups).figures.items():
        for photograph in range(PHOTOGRAPHS):
            without = figures_of(strengths, np.flatnonzero(groups != photograph))[name]
            added = (PHOTOGRAPHS - 1) * (split.value - without) / PHOTOGRAPHS
            close = {"rel": 0.2, "abs": 2e-4} if name in linear else {"abs": 2e-5}
            assert split.added[:, photograph].sum() == pytest.approx(added, **close), name


def test_resampled_figures_are_those_of_a_slow_loop_over_the_same_photographs():
    strengths, groups = made(several=True)
    weights = draw_photographs(PHOTOGRAPHS, 100, seed=1)
    slow = {}
    for counts in weights:
        rows = np.concatenate(
            [np.flatnonzero(groups == p) for p in range(PHOTOGRAPHS) for _ in range(counts[p])]
        )
        for name, value in figures_of(strengths, rows).items():
            slow.setdefault(name, []).append(value)
    for name, split in naming(strengths, groups).figures.items():
        fast = split.value + weights @ split.added.sum(axis=0)
        # Each is replaced by its linear part, which errs on the side of too much spread.
        assert np.corrcoef(fast, slow[name])[0, 1] > (0.98 if name == MAIN else 0.9), name
        assert 0.9 < np.std(fast) / np.std(slow[name]) < 1.35, name


def test_weighted_average_precision_is_scikit_learns_of_repeated_images():
    strengths, groups = made(several=True)
    weights = draw_photographs(PHOTOGRAPHS, 20, seed=2)
    present, scores = strengths.true[:, 0] > 0, strengths.predicted[:, 0]
    expected = [
        average_precision_score(present, scores, sample_weight=counts[groups]) for counts in weights
    ]
    found = weighted_average_precision(present, scores, groups, weights)
    assert found == pytest.approx(np.array(expected), abs=1e-12)
    assert np.isnan(weighted_average_precision([True, False], [1, 0], [0, 1], [[0, 2]])).all()


def test_the_error_over_photographs_and_types_is_that_of_a_table_with_two_factors():
    """Mean of cells μ + row + column + error; its variance in closed form, from 4,000 tables."""
    generator, types, photographs = np.random.default_rng(0), 6, 12
    row, column, cell = 0.5, 0.3, 1.0
    variances = []
    for _ in range(4000):
        cells = (
            row * generator.normal(size=(types, 1))
            + column * generator.normal(size=photographs)
            + cell * generator.normal(size=(types, photographs))
        )
        split = Split(0.0, cells / cells.size)
        variances.append(split.over_types(np.ones((1, photographs), np.uint8)).error ** 2)
    truth = row**2 / types + column**2 / photographs + cell**2 / (types * photographs)
    assert np.mean(variances) == pytest.approx(truth, rel=0.1)


def compared(*runs, **settings):
    names = ["first", "second", "third"][: len(runs)]
    return compare_runs(ComparedRuns.of(runs, names), resamples=1000, **settings)


def test_a_planted_better_set_is_called_better_at_naming():
    first = make_run(1, noise=0.35, photographs=12)
    second = make_run(2, word="curated", noise=0.12, seed=5, photographs=12)
    (pair,) = compared(first, second).pairs
    assert pair.naming.verdict == "better"
    main = pair.naming.main
    assert main.figure == "macro_f1"
    assert main.delta == pytest.approx(
        second.result.identification.macro_f1 - first.result.identification.macro_f1
    )
    assert main.ci[0] > 0
    (error,) = [one for one in pair.naming.further if one.figure == "rmse"]
    assert error.delta < 0
    assert error.verdict == "better"
    per_type = [one for one in pair.naming.types if one.figure == "mean_average_precision"]
    assert [one.type for one in per_type] == list(first.config.data.distortions)
    assert verdict_lines(pair, {})[1].startswith("Names the faults: ")


def test_identical_sets_are_not_distinguishable():
    run = make_run(1)
    (pair,) = compared(run, run.model_copy(update={"id": 2})).pairs
    assert pair.naming.verdict == "not distinguishable"
    assert pair.naming.main.delta == 0
    assert verdict_words(pair) == "not distinguishable at naming or in quality"


def test_an_interval_of_two_types_ends_at_the_differences_that_exist():
    few = {"noise": 0.6, "photographs": 4, "distortions": ["gaussian_blur", "jpeg"]}
    (pair,) = compared(make_run(1, **few), make_run(2, word="curated", seed=4, **few)).pairs
    main = pair.naming.main
    assert main.smallest_detectable > 1  # a t of one degree of freedom
    assert main.ci == (-1.0, 1.0)
    assert "this set could have shown no difference." in verdict_lines(pair, {})[1]


def test_verdicts_are_after_holm_over_all_pairs():
    runs = [
        make_run(1),
        make_run(2, word="curated", seed=3, noise=0.12),
        make_run(3, word="third", seed=7, noise=0.13),
    ]
    mains = [pair.naming.main for pair in compared(*runs).pairs]
    by_p = sorted(mains, key=lambda main: main.p)
    floor = 0.0
    for rank, main in enumerate(by_p):  # Holm 1979: times m, m − 1, …, never below the one before
        floor = max(floor, min(1.0, main.p * (len(by_p) - rank)))
        assert main.p_holm == pytest.approx(floor)
        assert (main.verdict == "not distinguishable") == (floor >= 0.05)


def test_the_count_of_accesses_corrects_naming_too():
    runs = (make_run(1, noise=0.35), make_run(2, word="curated", noise=0.12, seed=5))
    comparison = compared(*runs)
    (pair,) = comparison.pairs
    access = AccessCount(test_hash="a" * 64, looks=2, versions=2)
    (same,) = corrected_for_access(comparison, access, runs).pairs
    assert same.naming.p_looked == pytest.approx(pair.naming.main.p)
    many = [run.model_copy(update={"version": f"{n:064d}"}) for n in range(600) for run in runs[:1]]
    (taken,) = corrected_for_access(comparison, access, many).pairs
    assert taken.naming.p_looked == pytest.approx(min(1, 599 * pair.naming.main.p))
    assert taken.naming.verdict == "not distinguishable"


def test_no_verdict_without_strengths_or_with_one_type_and_the_reason_is_said():
    old = with_result(make_run(1), strengths=None)
    (pair,) = compared(old, make_run(2, word="curated", seed=5)).pairs
    assert pair.naming.verdict is None
    assert "the run of first was made before strengths were kept" in verdict_lines(pair, {})[1]
    assert verdict_words(pair).startswith("no verdict on naming, ")
    one = [make_run(n, distortions=["jpeg"], word=w) for n, w in ((1, "draft"), (2, "curated"))]
    (pair,) = compared(*one).pairs
    assert "one type of distortion" in pair.naming.reason


def test_a_comparison_of_before_naming_was_judged_still_loads_and_is_told():
    comparison = compared(make_run(1), make_run(2, word="curated", seed=5))
    document = comparison.model_dump(mode="json")
    for part in (*document["rows"], *document["pairs"]):
        part.pop("naming")
    older = Comparison.model_validate(document)
    assert older.pairs[0].naming is None
    assert len(verdict_lines(older.pairs[0], {})) == 1
    assert Comparison.model_validate(comparison.model_dump(mode="json")) == comparison


def test_constant_predictions_have_no_strength_srcc_and_the_others_stand():
    strengths, groups = made()
    flat = Strengths(
        strengths.true, strengths.true * 0 + 0.5, strengths.distortions, strengths.levels
    )
    figures = naming(flat, groups).figures
    assert isinstance(figures["strength_srcc"], Undefined)
    assert isinstance(srcc(flat.predicted[:, 0], flat.true[:, 0]), Undefined)
    assert isinstance(figures["macro_f1"], Split)


def test_sets_from_one_pool_of_wordings_are_rarely_called_better():
    found = list(judge_named(POOLS["one pool, wild wordings"], 10, 8, 200, resamples=300))
    assert share(found, "better") <= 0.06
    assert share(found, "better_over_photographs") > 0.1  # what photographs alone would claim


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one pool", "one pool, wild wordings", "two pools"])
def test_the_interval_of_a_difference_in_naming_holds_the_truth(name):
    found = list(judge_named(POOLS[name], 20, 8, 300, resamples=300))
    assert 0.93 <= share(found, "holds") <= 0.985
