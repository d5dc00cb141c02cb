"""From two finished runs to what each edit between their versions contributed."""

import numpy as np

from workbench.domain.canonical import Progress, part
from workbench.domain.config import RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.edit_effects import Attribution, RefitName
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.edit_attribution import Side, Terms, attribute_edits, side_by_side
from workbench.evaluation.edits import Edit, edited_set, srcc_effects
from workbench.evaluation.refit import Fit, Pool, Predict, fold_refit, ridge_refit
from workbench.experiment.cross_validation import retuned_qualities
from workbench.settings import Settings
from workbench.training.refit_inputs import load_refit_inputs
from workbench.training.regressor import fit_regressor


def attribute_runs(
    runs: ComparedRuns,
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
        runs: Of the version that was edited, and of what became of it.
        settings: Says where the runs' inputs for refits lie.
        refit: "ridge", milliseconds a refit, or "mlp", the runs' own regressor, seconds.
        permutations: Random orders of the edits for Shapley values; 0 leaves them out.
        retune: How many of the strongest edits are also made for real, each alone with the tower
            tuned anew; as long as so many runs.
        recipes: The store's distortion types beyond the built-in ones.
        progress: Called with the share done.

    Raises:
        ConfigError: The versions do not differ, or the runs differ in their images.
        RunError: The inputs of a run are missing, damaged, or another run's.
    """
    saved = [load_refit_inputs(settings, run) for run in runs.runs]
    pool = side_by_side(
        *(Pool(run.inputs, run.fold_of, run.target, run.photograph) for run in saved)
    )
    a, b = (
        Side(run.version, label, inputs.attributes, result.quality.srcc)
        for (run, label, result), inputs in zip(runs.items(), saved, strict=True)
    )
    config = runs.runs[0].config
    refitted = ridge_refit(pool) if refit == "ridge" else fold_refit(pool, fit_of_run(config))
    terms = Terms(refitted, refit, permutations=permutations)
    attribution = attribute_edits(
        pool, a, b, terms, progress=part(progress, 0.0, 0.1 if retune else 1.0)
    )
    finalists = attribution.edits[:retune]
    if not finalists:
        return attribution
    edited = [edited_set(a.names, [Edit(e.distortion, e.before, e.after)]) for e in finalists]
    predicted = [
        np.array(runs.results[0].predictions.predicted),
        *retuned_qualities(
            edited, config, settings=settings, recipes=recipes, progress=part(progress, 0.1, 1.0)
        ),
    ]
    pairs = [(0, number) for number in range(1, len(predicted))]
    effects = srcc_effects(pool, predicted, pairs, resamples=terms.resamples, seed=0)
    edits = [
        edit.model_copy(update={"retuned": effect})
        for edit, effect in zip(finalists, effects, strict=True)
    ]
    note = (
        f"The {len(finalists)} strongest edits were also made for real, each alone: the tower was "
        "tuned anew, with one seed, and its own regressor trained. Which edits those are was "
        "chosen on the same images."
    )
    return attribution.model_copy(
        update={
            "edits": (*edits, *attribution.edits[retune:]),
            "notes": (*attribution.notes, note),
        }
    )


def fit_of_run(config: RunConfig) -> Fit:
    """Return the fit of a run's own regressor; on a run's own attributes no bit differs."""

    def fit(inputs: np.ndarray, quality: np.ndarray, fold: int) -> Predict:
        return fit_regressor(inputs, quality, config.regressor, seed=config.seed + fold).predict

    return fit
