import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from scipy.stats import t as student_t

from workbench.domain.metrics import StrengthTables
from workbench.domain.run import RunResult
from workbench.errors import DataError, ShapeError
from workbench.evaluation.strength_tables import calibration_bins, confusion_counts, strength_tables

from .comparison_factory import make_run

LEVELS = (5, 5, 4)
NAMES = ("blur", "jpeg", "noise")
GENERATOR = np.random.default_rng(3)


def singles(photographs: int = 6) -> tuple[np.ndarray, np.ndarray, list[str], list[tuple]]:
    """Every photograph clean and with every type at every level, told with errors."""
    images = [
        (f"p{p}", d, level)
        for p in range(photographs)
        for d, level in [(-1, 0), *((d, lv) for d in range(3) for lv in range(1, LEVELS[d] + 1))]
    ]
    true = np.array([[lv / LEVELS[k] * (k == d) for k in range(3)] for _, d, lv in images])
    predicted = np.clip(true + GENERATOR.normal(0, 0.2, true.shape), 0, 1)
    return true, predicted, [p for p, _, _ in images], images


TRUE, PREDICTED, PHOTOGRAPHS, IMAGES = singles()
TABLES = strength_tables(TRUE, PREDICTED, PHOTOGRAPHS, distortions=NAMES, levels=LEVELS)


def test_confusion_counts_what_a_loop_counts():
    counts = np.zeros((4, 4), dtype=int)
    for (_, d, _), told in zip(IMAGES, PREDICTED, strict=True):
        best, named = -1.0, 0
        for k, strength in enumerate(told):
            if strength >= 1 / (2 * LEVELS[k]) and strength > best:
                best, named = strength, k + 1
        counts[d + 1, named] += 1
    assert TABLES.confusion == tuple(map(tuple, counts.tolist()))
    assert TABLES.types == ("", *NAMES)


def test_dose_is_the_mean_of_photographs_with_students_interval():
    for d, curve in enumerate(TABLES.dose):
        assert [point.level for point in curve.points] == list(range(LEVELS[d] + 1))
        for point in curve.points:
            chosen = [
                i for i, (_, k, lv) in enumerate(IMAGES) if (k, lv) == (d, point.level) or
                (point.level == 0 and k == -1)
            ]  # fmt: skip
            values = PREDICTED[chosen, d]  # one image a photograph
            reach = student_t.ppf(0.975, 5) * values.std(ddof=1) / np.sqrt(6)
            assert point.mean == pytest.approx(values.mean())
            assert point.ci == pytest.approx(
                (max(0, values.mean() - reach), min(1, values.mean() + reach))
            )
            assert (point.images, point.photographs) == (6, 6)


def test_photographs_weigh_alike_however_many_images_they_have():
    tables = strength_tables(
        np.ones((4, 1)), [[0.0], [0.9], [0.9], [0.9]], ["a", "b", "b", "b"],
        distortions=["blur"], levels=[5],
    )  # fmt: skip
    (point,) = tables.dose[0].points
    assert (point.mean, point.images, point.photographs) == (pytest.approx(0.45), 4, 2)


def test_one_photograph_has_a_mean_and_no_interval():
    tables = strength_tables([[0.2]], [[0.3]], ["a"], distortions=["blur"], levels=[5])
    assert tables.dose[0].points[0].ci is None


def test_an_image_with_another_distortion_is_not_clean():
    tables = strength_tables(
        [[0.0, 1.0]], [[0.5, 0.5]], ["a"], distortions=["blur", "jpeg"], levels=[5, 5]
    )
    assert tables.dose[0].points == ()


def test_calibration_bins_are_those_of_histogram():
    edges = np.linspace(0, 1, 11)
    count, _ = np.histogram(PREDICTED, edges)
    sums = [np.histogram(PREDICTED, edges, weights=some)[0] for some in (PREDICTED, TRUE)]
    kept = count > 0
    found = TABLES.calibration
    assert [one.count for one in found] == count[kept].tolist()
    assert [one.mean_predicted for one in found] == pytest.approx(sums[0][kept] / count[kept])
    assert [one.mean_true for one in found] == pytest.approx(sums[1][kept] / count[kept])


@given(arrays(np.float64, (7, 3), elements=st.floats(0, 1)))
def test_every_image_and_every_pair_is_counted_once(predicted):
    counts = confusion_counts(TRUE[:7], predicted, LEVELS)
    assert sum(map(sum, counts)) == 7
    bins = calibration_bins(TRUE[:7], predicted)
    assert sum(one.count for one in bins) == predicted.size
    assert all(one.low - 1e-12 <= one.mean_predicted <= one.high + 1e-12 for one in bins)


def test_nothing_gives_empty_tables():
    tables = strength_tables(np.zeros((0, 1)), np.zeros((0, 1)), [], distortions=["a"], levels=[2])
    assert (tables.confusion, tables.calibration) == (((0, 0), (0, 0)), ())
    assert tables.dose[0].points == ()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"\(N, D\) = \(1, 1\) with D levels, not \(1, 1\) and"):
        strength_tables([[0.0]], [[0.0, 1.0]], ["a"], distortions=["x"], levels=[5])
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(DataError, match=r"Predicted strengths must lie in \[0, 1\]; 1 do not"):
            strength_tables([[0.0]], [[wrong]], ["a"], distortions=["x"], levels=[5])
    with pytest.raises(ValidationError, match="not 2 by 2"):
        StrengthTables(types=("", "a"), confusion=((1,),), dose=(), calibration=())


def test_a_result_keeps_its_tables_and_an_older_one_has_none():
    result = make_run().result
    assert RunResult.model_validate_json(result.model_dump_json()) == result
    older = result.model_dump(mode="json", exclude={"strength_tables"})
    assert RunResult.model_validate(older).strength_tables is None
