"""A run's model on data that it was not tuned on (Tables IV and V)."""

import numpy as np

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import photograph_folds
from workbench.domain.canonical import Progress, part
from workbench.domain.config import RunConfig, SplitConfig
from workbench.domain.distortion import Recipe
from workbench.domain.metrics import IdentificationMetrics, Metric
from workbench.domain.run import Transfer
from workbench.evaluation.correlation import quality_metrics, srcc
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.experiment.data import make_data, without_leaked_photographs
from workbench.experiment.final_model import FinalModel
from workbench.experiment.result import baselines_of, predictions_of, protocol_of
from workbench.settings import Settings
from workbench.training.regressor import fit_regressor
from workbench.training.tuned_model import Features


def transfers(
    model: FinalModel,
    tuned: ImageSet,
    config: RunConfig,
    settings: Settings,
    recipes: tuple[Recipe, ...],
    progress: Progress,
) -> tuple[Transfer, ...]:
    """Try a run's model on each of the other data that the configuration names.

    Args:
        model: Trained on all open images.
        tuned: These images; photographs that show the same picture are left out.
        config: Names the other data, which `require_disjoint_data` let pass; its folds and
            regressor are used there too.
        settings: Cache folder.
        recipes: The store's distortion types beside the built-in ones.
        progress: Told the share done.

    Raises:
        DataError: The other data cannot be made or read, or nothing in it is unseen.
    """
    found, count = [], len(config.transfer)
    for number, other in enumerate(config.transfer):
        told = part(progress, number / count, (number + 1) / count)
        data = make_data(other, settings, part(told, 0.0, 0.2), recipes)
        data = without_leaked_photographs(data, tuned, part(told, 0.2, 0.3))
        found.append(transfer(model, data, config, recipes, part(told, 0.3, 1.0)))
    return tuple(found)


def transfer(
    model: FinalModel,
    data: ImageSet,
    config: RunConfig,
    recipes: tuple[Recipe, ...],
    progress: Progress,
) -> Transfer:
    """Try a run's model on other data: its strengths as they are, its quality in two ways.

    Args:
        model: Trained on all open images of the run.
        data: The other data.
        config: Folds and regressor.
        recipes: The store's distortion types beside the built-in ones.
        progress: Told the share done.
    """
    seen = model.tuned.features(data.images)
    progress(0.4, "other data: scored")
    frozen = _frozen(model, seen, data, config)
    identification, clean, identified = _identified(model, seen, data)
    encoder = model.task.encoder
    common = tuple(sorted(set(data.distortions) & set(model.task.attributes.distortions)))
    terms = protocol_of(data, _by_folds(config), crop=encoder.facts.image_size)
    return Transfer(
        protocol=terms.model_copy(update={"distortions": common}),
        identification=identification,
        all_clean=clean,
        identified=identified,
        frozen=quality_metrics(data.quality.tolist(), frozen.tolist()),
        zero_shot=quality_metrics(data.quality.tolist(), model.quality(seen).tolist()),
        subsets=_subsets(data, frozen),
        baselines=baselines_of(
            encoder, data, model.task.attributes.distortions, config, recipes,
            part(progress, 0.5, 1.0),
        ),
        predictions=predictions_of(data, frozen),
    )  # fmt: skip


def _by_folds(config: RunConfig) -> RunConfig:
    """Return a configuration with the folds that other data are divided into, and nothing else."""
    folds = SplitConfig(folds=config.split.folds, seed=config.split.seed)
    return config.model_copy(update={"split": folds})


def _frozen(model: FinalModel, seen: Features, data: ImageSet, config: RunConfig) -> np.ndarray:
    """Return quality, (N,), by a regressor that is trained on the other data's folds."""
    given, quality = model.task.regressed(model.tuned, seen), np.zeros(len(data))
    folds = photograph_folds(data.photograph, folds=config.split.folds, seed=config.split.seed)
    for fold, (train, test) in enumerate(folds):
        regressor = fit_regressor(
            given[train], data.quality[train], config.regressor, seed=config.seed + fold
        )
        quality[test] = regressor.predict(given[test])
    return quality


def _identified(
    model: FinalModel, seen: Features, data: ImageSet
) -> tuple[IdentificationMetrics | None, IdentificationMetrics | None, int]:
    """Return figures over the types that both have, of calling all clean, and how many images."""
    own = sorted(model.task.attributes.distortions)
    columns = [
        (own.index(name), other) for other, name in enumerate(data.distortions) if name in own
    ]
    if not columns:
        return None, None, 0
    ours, theirs = (list(some) for some in zip(*columns, strict=True))
    truth = data.strengths()
    rows = np.delete(truth, theirs, axis=1).max(1, initial=0) == 0  # shows nothing else
    levels = [data.levels[other] for other in theirs]
    shown = truth[rows][:, theirs]
    told = model.tuned.strengths(seen.probabilities)[rows][:, ours]
    found = identification_metrics(shown, told, levels=levels)
    return found, all_clean(shown, levels=levels), len(shown)


def _subsets(data: ImageSet, quality: np.ndarray) -> dict[str, Metric]:
    parts = sorted(set(data.subset) - {""})
    rows = {name: [row for row, own in enumerate(data.subset) if own == name] for name in parts}
    return {name: srcc(quality[own], data.quality[own]) for name, own in rows.items()}
