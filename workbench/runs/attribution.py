"""From two finished runs to what each edit between their versions contributed."""

from collections.abc import Callable, Sequence

import numpy as np

from workbench.domain.attribution import Attribution, RefitName
from workbench.domain.run import Run, RunConfig
from workbench.evaluation.attribution import Side, Terms, attribute_edits, side_by_side
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.refit import Fit, Pool, Predict, fold_refit, ridge_refit
from workbench.settings import Settings
from workbench.tuning.probabilities import RunProbabilities, load_probabilities
from workbench.tuning.regressor import fit_regressor


def attribute_runs(
    runs: Sequence[Run],
    labels: Sequence[str],
    *,
    settings: Settings,
    refit: RefitName = "ridge",
    permutations: int = 0,
    progress: Callable[[float, str], None] = lambda _share, _text: None,
) -> Attribution:
    """Say what each edit between two runs' versions contributed, without tuning anything.

    Args:
        runs: The finished run of the version that was edited, and that of what became of it.
        labels: What people call the two versions.
        settings: Says where the runs' probabilities lie.
        refit: "ridge", milliseconds a refit, or "mlp", the runs' own regressor, seconds.
        permutations: Random orders of the edits for Shapley values; 0 leaves them out.
        progress: Told the share done.

    Raises:
        ConfigError: The runs are not comparable, or their versions do not differ.
        RunError: The probabilities of a run are not there, damaged, or another run's.
    """
    results = finished_results(runs, labels)
    kept = [load_probabilities(settings, run) for run in runs]
    pool = side_by_side(*(_pool(some) for some in kept))
    a, b = (
        Side(run.version, label, some.attributes, result.quality.srcc)
        for run, label, some, result in zip(runs, labels, kept, results, strict=True)
    )
    chosen = ridge_refit(pool) if refit == "ridge" else fold_refit(pool, _as_in_run(runs[0].config))
    terms = Terms(chosen, refit, permutations=permutations)
    return attribute_edits(pool, a, b, terms, told=progress)


def _pool(kept: RunProbabilities) -> Pool:
    return Pool(kept.probabilities, kept.fold_of, kept.target, kept.photograph)


def _as_in_run(config: RunConfig) -> Fit:
    """Return the fit of a run's own regressor; on a run's own attributes no bit differs."""

    def fit(seen: np.ndarray, quality: np.ndarray, fold: int) -> Predict:
        return fit_regressor(seen, quality, config.regressor, seed=config.seed + fold).predict

    return fit
