import pytest

from tests.evaluation.comparison_factory import make_run
from workbench.domain.metrics import QualityMetrics, Undefined
from workbench.domain.run import EMBEDDING, RunResult
from workbench.evaluation.paired_comparison import explainability_gap, explainability_gap_text


def result(explained, direct=None):
    """A result whose SRCC is `explained`, beside that of the embedding."""
    made = make_run().result
    baselines = {} if direct is None else {EMBEDDING: figures(made.quality, direct)}
    quality = figures(made.quality, explained)
    return made.model_copy(update={"quality": quality, "baselines": baselines})


def figures(quality: QualityMetrics, srcc):
    return quality.model_copy(update={"srcc": srcc})


@pytest.mark.parametrize(
    ("explained", "direct", "end"),
    [
        (0.64, 0.70, "explaining costs 0.060."),
        (0.70, 0.64, "explaining costs nothing, it gains 0.060."),
        (0.70, 0.7001, "explaining costs nothing."),
    ],
)
def test_the_gap_is_one_sentence_with_both_figures(explained, direct, end):
    assert explainability_gap_text(result(explained, direct)) == (
        f"SRCC from attributes {explained:.3f}, from the same encoder's embedding "
        f"without text {direct:.3f}: {end}"
    )


@pytest.mark.parametrize(
    ("explained", "direct", "reason"),
    [
        (0.6, None, "this run was made without baselines"),
        (Undefined(undefined="flat"), 0.7, "no SRCC from attributes: flat"),
        (0.6, Undefined(undefined="flat"), "no SRCC from the embedding: flat"),
    ],
)
def test_an_unknown_gap_says_why(explained, direct, reason):
    assert explainability_gap(result(explained, direct)) == Undefined(undefined=reason)
    sentence = explainability_gap_text(result(explained, direct))
    assert sentence == f"The explainability gap is unknown: {reason}."


def test_results_with_and_without_baselines_are_read_back():
    made = result(0.6, 0.7)
    assert RunResult.model_validate_json(made.model_dump_json()) == made
    old = made.model_dump(mode="json")
    del old["baselines"]
    assert RunResult.model_validate(old).baselines == {}
