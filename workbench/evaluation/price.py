"""The price of explainability: what quality loses by passing through words."""

from workbench.domain.metrics import Metric, Undefined
from workbench.domain.run import RunResult
from workbench.evaluation.baseline_titles import EMBEDDING
from workbench.evaluation.wording import figure_text


def price(result: RunResult) -> Metric:
    """Return by how much SRCC is lower from attributes than from the untuned embedding.

    Both are of the same images and folds; below 0 the attributes do better. It is a difference of
    two figures: whether it is more than chance takes their paired intervals.

    Returns:
        A number in [-2, 2], or Undefined: a run without baselines, or one of the two is undefined.
    """
    if EMBEDDING not in result.baselines:
        return Undefined(undefined="this run was made without baselines")
    explained, direct = result.quality.srcc, result.baselines[EMBEDDING].srcc
    if isinstance(explained, Undefined):
        return Undefined(undefined=f"no SRCC from attributes: {explained.undefined}")
    if isinstance(direct, Undefined):
        return Undefined(undefined=f"no SRCC from the embedding: {direct.undefined}")
    return direct - explained


def price_of_explainability(result: RunResult) -> str:
    """Return the price in one sentence, to stand beside every figure of quality."""
    lost = price(result)
    if isinstance(lost, Undefined):
        return f"The price of explainability is unknown: {lost.undefined}."
    both = (
        f"SRCC from attribute probabilities {figure_text(result.quality.srcc)}, from the same "
        f"encoder's embedding without text {figure_text(result.baselines[EMBEDDING].srcc)}"
    )
    amount = figure_text(abs(lost))
    if not float(amount):
        return f"{both}: explaining costs nothing."
    if lost < 0:
        return f"{both}: explaining costs nothing, it gains {amount}."
    return f"{both}: explaining costs {amount}."
