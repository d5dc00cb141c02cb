"""From two finished runs to what each edit between their versions contributed."""

from collections.abc import Sequence

import numpy as np

from workbench.domain.canonical import Progress, part
from workbench.domain.config import RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.edit_effects import Attribution, RefitName
from workbench.domain.run import Run
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.edit_attribution import Side, Terms, attribute_edits, side_by_side
from workbench.evaluation.edits import Edit, edited_set, srcc_effects
from workbench.evaluation.refit import Fit, Pool, Predict, fold_refit, ridge_refit
from workbench.experiment.cross_validation import retuned_qualities
from workbench.settings import Settings
from workbench.training.probabilities import RunProbabilities, load_probabilities
from workbench.training.regressor import fit_regressor


def attribute_runs(
    runs: Sequence[Run],
    labels: Sequence[str],
    *,
    settings: Settings,
    refit: RefitName = "ridge",
    permutations: int = 0,
    retune: int = 0,
    recipes: tuple[Recipe, ...] = (),
    progress: Progress = lambda _share, _text: None,
) -> Attribution:
    """Say what each edit between two runs' versions contributed, without tuning unless asked.

    Args:
        runs: The finished run of the version that was edited, and that of what became of it.
        labels: What people call the two versions.
        settings: Says where the runs' probabilities lie.
        refit: "ridge", milliseconds a refit, or "mlp", the runs' own regressor, seconds.
        permutations: Random orders of the edits for Shapley values; 0 leaves them out.
        retune: How many of the strongest edits are also made for real, each alone with the tower
            tuned anew; as long as so many runs.
        recipes: The store's distortion types beside the built-in ones.
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
    quick = part(progress, 0.0, 0.1 if retune else 1.0)
    found = attribute_edits(pool, a, b, terms, told=quick)
    if not retune:
        return found
    return _retuned(found, pool, runs[0], a, retune, settings, recipes, part(progress, 0.1, 1.0))


def _retuned(
    found: Attribution,
    pool: Pool,
    run: Run,
    a: Side,
    count: int,
    settings: Settings,
    recipes: tuple[Recipe, ...],
    progress: Progress,
) -> Attribution:
    """Return an attribution whose strongest edits were made for real, against the run of a."""
    finalists = found.edits[:count]
    edited = [edited_set(a.names, [Edit(e.distortion, e.before, e.after)]) for e in finalists]
    predicted = [
        np.array(run.result.predictions.predicted if run.result else ()),
        *retuned_qualities(
            edited, run.config, settings=settings, recipes=recipes, progress=progress
        ),
    ]
    pairs = [(0, place + 1) for place in range(len(finalists))]
    effects = srcc_effects(pool, predicted, pairs, resamples=found.resamples, seed=0)
    edits = [
        one.model_copy(update={"retuned": effect})
        for one, effect in zip(finalists, effects, strict=True)
    ]
    note = (
        f"The {len(finalists)} strongest edits were also made for real, each alone: the tower was "
        "tuned anew, with one seed, and its own regressor trained. Which edits those are was "
        "chosen on the same images."
    )
    return found.model_copy(
        update={"edits": (*edits, *found.edits[count:]), "notes": (*found.notes, note)}
    )


def _pool(kept: RunProbabilities) -> Pool:
    return Pool(kept.probabilities, kept.fold_of, kept.target, kept.photograph)


def _as_in_run(config: RunConfig) -> Fit:
    """Return the fit of a run's own regressor; on a run's own attributes no bit differs."""

    def fit(seen: np.ndarray, quality: np.ndarray, fold: int) -> Predict:
        return fit_regressor(seen, quality, config.regressor, seed=config.seed + fold).predict

    return fit
