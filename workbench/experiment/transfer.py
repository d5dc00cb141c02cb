"""A run's model on data that it was not tuned on (Tables IV and V)."""

import numpy as np

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import photograph_folds
from workbench.domain.canonical import Progress, part
from workbench.domain.config import RunConfig, SplitConfig
from workbench.domain.metrics import IdentificationMetrics, Metric
from workbench.domain.run import Transfer
from workbench.evaluation.correlation import quality_metrics, srcc
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.experiment.data import make_data, without_leaked_photographs
from workbench.experiment.final_model import FinalModel
from workbench.experiment.result import baselines_of, predictions_of, protocol_of
from workbench.training.tuned_model import Features


def transfers(model: FinalModel, tuned: ImageSet, progress: Progress) -> tuple[Transfer, ...]:
    """Evaluate a run's model on each of the other data that its configuration names.

    Photographs that show a picture of `tuned`, the images it was trained on, are left out.

    Raises:
        DataError: The other data cannot be made or read, or all of it was tuned on.
    """
    plan, results = model.plan, []
    others = plan.config.transfer
    for number, other in enumerate(others):
        of_other = part(progress, number / len(others), (number + 1) / len(others))
        data = make_data(other, plan.settings, part(of_other, 0.0, 0.2), plan.recipes)
        data = without_leaked_photographs(data, tuned, part(of_other, 0.2, 0.3))
        results.append(transfer(model, data, part(of_other, 0.3, 1.0)))
    return tuple(results)


def transfer(model: FinalModel, data: ImageSet, progress: Progress) -> Transfer:
    """Evaluate a run's model on other data: its strengths as they are, its quality in two ways.

    Frozen: with a regressor trained on folds of the other data. Zero-shot: with its own.
    """
    plan = model.plan
    features = plan.features(model.tuned, data.images)
    progress(0.4, "other data: scored")
    frozen = _frozen_features_quality(model, features, data)
    identification, clean, identified = _identification(model, features, data)
    common = tuple(sorted(set(data.distortions) & set(plan.attributes.distortions)))
    protocol = protocol_of(data, _by_folds(plan.config), crop=plan.encoder.facts.image_size)
    target, zero_shot = data.quality.tolist(), model.quality(features).tolist()
    return Transfer(
        protocol=protocol.model_copy(update={"distortions": common}),
        identification=identification,
        all_clean=clean,
        identified=identified,
        frozen=quality_metrics(target, frozen.tolist()),
        zero_shot=quality_metrics(target, zero_shot),
        subsets=_subsets(data, frozen),
        baselines=baselines_of(
            plan, data, plan.attributes.distortions, part(progress, 0.5, 1.0)
        ),
        predictions=predictions_of(data, frozen),
    )  # fmt: skip


def _by_folds(config: RunConfig) -> RunConfig:
    """Return a configuration with the folds that other data are divided into, and nothing else."""
    folds = SplitConfig(folds=config.split.folds, seed=config.split.seed)
    return config.model_copy(update={"split": folds})


def _frozen_features_quality(model: FinalModel, features: Features, data: ImageSet) -> np.ndarray:
    """Return held-out quality, (N,), by regressors trained on folds of the other data."""
    plan, config = model.plan, model.plan.config
    inputs, quality = plan.regressor_inputs(model.tuned, features), np.zeros(len(data))
    folds = photograph_folds(data.photograph, folds=config.split.folds, seed=config.split.seed)
    for fold, (train, test) in enumerate(folds):
        regressor = plan.fit_regressor(inputs[train], data.quality[train], seed=config.seed + fold)
        quality[test] = regressor.predict(inputs[test])
    return quality


def _identification(
    model: FinalModel, features: Features, data: ImageSet
) -> tuple[IdentificationMetrics | None, IdentificationMetrics | None, int]:
    """Return figures over the types that both have, the all-clean baseline's, and image count."""
    known = sorted(model.plan.attributes.distortions)
    columns = [
        (known.index(name), column) for column, name in enumerate(data.distortions) if name in known
    ]
    if not columns:
        return None, None, 0
    ours, theirs = (list(indices) for indices in zip(*columns, strict=True))
    truth = data.strengths()
    # An image that shows another type too would be judged by a strength that nothing predicts.
    rows = np.delete(truth, theirs, axis=1).max(1, initial=0) == 0
    levels = [data.levels[column] for column in theirs]
    true = truth[rows][:, theirs]
    predicted = model.tuned.strengths(features.probabilities)[rows][:, ours]
    figures = identification_metrics(true, predicted, levels=levels)
    return figures, all_clean(true, levels=levels), len(true)


def _subsets(data: ImageSet, quality: np.ndarray) -> dict[str, Metric]:
    subset = np.array(data.subset)
    names = sorted(set(data.subset) - {""})
    return {name: srcc(quality[subset == name], data.quality[subset == name]) for name in names}
