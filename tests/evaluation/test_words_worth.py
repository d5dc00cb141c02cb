"""What the words of a run are worth, against planted controls."""

import numpy as np
import pytest

from tests.evaluation.comparison_factory import make_run, with_result
from workbench.domain.comparison import Comparison
from workbench.domain.run import Control, RunResult
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import identification_metrics, packed, unpacked
from workbench.evaluation.paired_comparison import compare_runs, words_worth
from workbench.report.comparison_tables import controls_tables
from workbench.report.terminal import comparison_text
from workbench.report.wording import words_worth_text


def with_controls(run, *, noise, blind):
    """The run with three draws of nonsense that err by so much; blind ones name nothing."""
    result, generator = run.result, np.random.default_rng(8)
    target, kept = np.array(result.predictions.target), result.strengths
    true = unpacked(kept.true, types=len(kept.levels))
    controls = []
    for draw in range(3):
        quality = np.clip(target + generator.normal(0, noise, len(target)), 0, 1)
        told = np.clip(true + generator.normal(0, 0.1, true.shape), 0, 1)
        told = generator.permutation(told) if blind else told
        controls.append(
            Control(
                name="nonsense",
                draw=draw,
                quality=quality_metrics(target.tolist(), quality.tolist()),
                identification=identification_metrics(true, told, levels=kept.levels),
                predicted=packed(quality[:, None]),
                strengths=packed(told.astype(np.float16)),
            )
        )
    return with_result(run, controls=tuple(controls))


WORTH = with_controls(make_run(1, noise=0.1), noise=0.6, blind=True)
EMPTY = with_controls(make_run(2, word="curated", noise=0.1, seed=4), noise=0.1, blind=False)


def test_figures_above_nonsense_are_differences_from_the_mean_of_its_draws():
    worth = words_worth(WORTH.result)
    nonsense = [control.quality.srcc for control in WORTH.result.controls]
    assert worth.quality.value == pytest.approx(WORTH.result.quality.srcc - np.mean(nonsense))
    named = [control.identification.macro_f1 for control in WORTH.result.controls]
    assert worth.naming.value == pytest.approx(
        WORTH.result.identification.macro_f1 - np.mean(named), abs=2e-3
    )
    assert 0 < worth.quality.ci[0] < worth.quality.value < worth.quality.ci[1]
    assert worth.naming.ci[0] > 0


def test_the_text_says_what_words_are_worth():
    text = words_worth_text(words_worth(WORTH.result), WORTH.result.attribute_count)
    assert text.startswith("12 sentences of nonsense reach an SRCC of 0.")
    assert "the words are worth +0." in text
    assert "Naming faults, they are worth +0." in text


def test_a_set_that_nonsense_equals_is_told_so_in_plain_words():
    text = words_worth_text(words_worth(EMPTY.result), EMPTY.result.attribute_count)
    assert text.startswith("Any 12 sentences may have predicted quality as well: ")
    assert "They name the faults no better than nonsense" in text


def test_a_run_without_controls_says_so():
    worth = words_worth(make_run(1).result)
    assert worth.quality is None
    assert words_worth_text(worth, 12) == (
        "What the words are worth is unknown: no controls were measured on these images."
    )


def test_a_comparison_shows_controls_and_older_ones_load_without():
    comparison = compare_runs(ComparedRuns.of([WORTH, EMPTY], ["ours", "theirs"]), resamples=300)
    (table,) = controls_tables(comparison)
    assert [row[:2] for row in table.rows] == [
        ("ours", "its own"), ("ours", "as many of nonsense"),
        ("theirs", "its own"), ("theirs", "as many of nonsense"),
    ]  # fmt: skip
    flowing = " ".join(comparison_text(comparison).split())
    assert "theirs: Any 12 sentences may have predicted quality as well" in flowing
    document = comparison.model_dump(mode="json")
    assert Comparison.model_validate(document) == comparison
    for row in document["rows"]:
        row.pop("controls")
    assert Comparison.model_validate(document).rows[0].controls is None
    older = WORTH.result.model_dump(mode="json", exclude={"controls", "strengths"})
    assert RunResult.model_validate(older).controls == ()
