"""The training loop: tune a tower until attribute probabilities tell distortion strengths."""

import math
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from workbench.datasets.image_set import Images
from workbench.domain.canonical import Progress
from workbench.domain.config import TuningConfig
from workbench.encoders import Encoder
from workbench.errors import CheckpointMismatchError, ConfigError, ShapeError
from workbench.training.checkpoint import Position, fingerprint, resumed, saved, seeded
from workbench.training.distributed import together
from workbench.training.epochs import EpochTraining
from workbench.training.modules import AttributeHead, PromptedTower, distortion_loss
from workbench.training.tuned_model import TunedModel, chosen_precision

Examples = tuple[Images, np.ndarray]  # images and their true strengths, (N, D)


def tune(
    encoder: Encoder,
    pairs: Tensor,
    groups: Tensor,
    images: Images,
    strengths: np.ndarray,
    config: TuningConfig,
    *,
    seed: int,
    progress: Progress,
    validation: Examples | None = None,
    start: Mapping[str, Tensor] | None = None,
    checkpoint: Path | None = None,
    belongs: Mapping[str, str] | None = None,
    devices: int = 1,
) -> TunedModel:
    """Tune prompts, or the whole tower, on images of known distortion strengths.

    An epoch shows every image `config.crops` times, each time another random crop. The encoder is
    left as it was: prompts are new parameters, and a whole tower is tuned as a copy.

    Args:
        encoder: The frozen encoder.
        pairs: Text embeddings of the attributes, (A, 2, E).
        groups: Distortion of each attribute, (A,).
        images: N images, each (H, W, 3), uint8.
        strengths: True strengths, (N, D), in [0, 1].
        config: Mode, schedule and batch.
        seed: Decides prompts, order and crops; the same seed gives the same bits.
        progress: Told the share done; what it raises passes through.
        validation: Images and strengths that `config.patience` goes by.
        start: A trained state to start from. Prompts and tower are taken over; weights of
            attributes are not, since the attributes differ.
        checkpoint: File that the training is kept in after every epoch; if it is there, the
            training goes on from it to the same bits. It goes when the training ends.
        belongs: What else the checkpoint must share with this training; the pixels, which nothing
            here hashes, are told apart by the hash of their data set.
        devices: Processes that share every batch, >= 1, each on a GPU of its own or on its part of
            the CPU's threads. Their number changes the last digits only; see `processes`.

    Raises:
        ShapeError: Strengths are not one row per image and one column per distortion.
        ConfigError: There is nothing to train on or to tell apart, patience without a validation
            part, or fewer GPUs than devices.
        TrainingDivergedError: A loss is no finite number; names the epoch.
        CheckpointMismatchError: The checkpoint belongs to another training, or `start` to another
            mode.
        RunError: The memory does not hold a batch; says which one might fit.
    """
    for some in ((images, strengths), *([validation] if validation else [])):
        _check_shape(*some, groups)
    _check(images, strengths, config, validation)
    with seeded(seed, encoder.device):
        model = _start(encoder, pairs, groups, config)
        _take_over(model, start or {})
        if config.mode != "none":
            facts = fingerprint(encoder, pairs, groups, strengths, config, seed, start)
            facts |= belongs or {}
            training = EpochTraining(model, images, strengths, config, seed)
            _run(training, validation, checkpoint, facts, progress, devices)
    return model


def restored(
    encoder: Encoder,
    pairs: Tensor,
    groups: Tensor,
    config: TuningConfig,
    state: Mapping[str, Tensor],
) -> TunedModel:
    """Return a model with the weights that `TunedModel.state` gave.

    Args:
        encoder: The frozen encoder.
        pairs: Text embeddings of the attributes, (A, 2, E).
        groups: Distortion of each attribute, (A,).
        config: As it was tuned by.
        state: Trained weights by name.

    Raises:
        CheckpointMismatchError: Names or shapes are not those of this encoder, these attributes
            and this configuration.
    """
    with torch.random.fork_rng(devices=[]):
        model = _start(encoder, pairs, groups, config)
    trained = model.trained()
    if set(trained) != set(state):
        raise CheckpointMismatchError(
            f"Trained weights hold {_few(state)}, expected {_few(trained)}: they were tuned in "
            f"another mode than '{config.mode}', or another encoder."
        )
    for name, values in trained.items():
        _set(name, values, state[name])
    model.tower.eval()
    return model


def _run(
    training: EpochTraining,
    validation: Examples | None,
    checkpoint: Path | None,
    facts: dict[str, str],
    progress: Progress,
    devices: int,
) -> None:
    """Train epoch by epoch, keep the best by the validation part, and keep all for a restart."""
    model, config = training.model, training.config
    position = Position()
    if checkpoint is not None and checkpoint.is_file():
        position = resumed(checkpoint, facts, training.trained, training.optimizer,
                           training.generator)  # fmt: skip
    left = range(position.epoch, config.epochs)
    with together(training, left, processes=devices, device=model.encoder.device):
        while position.epoch < config.epochs and not position.waited_for(config.patience):
            training.epoch(position.epoch, progress)
            if config.patience:
                loss = loss_on(model, validation)
                training.require_finite("loss on the validation part", loss, position.epoch)
                position = position.after(loss, model.state())
            else:
                position = position.after(None, {})
            if checkpoint is not None and position.epoch < config.epochs:
                saved(checkpoint, facts, training.trained, training.optimizer, training.generator,
                      position)  # fmt: skip
    for name, values in position.best.items():
        _set(name, model.trained()[name], values)
    model.tower.eval()
    training.require_finite("loss after the last step", training.loss_of_one(), config.epochs - 1)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)


@torch.no_grad()
def loss_on(model: TunedModel, validation: Examples | None) -> float:
    """Return the loss on a validation part; NaN if there is none."""
    if validation is None:
        return math.nan
    images, strengths = validation
    told = model.head(torch.from_numpy(model.probabilities(images)).to(model.pairs.device))
    return distortion_loss(told, torch.from_numpy(strengths).to(told.device)).item()


def _check_shape(images: Images, strengths: np.ndarray, groups: Tensor) -> None:
    expected = (len(images), int(groups.max()) + 1)
    if strengths.shape != expected:
        raise ShapeError(
            f"Strengths have shape {strengths.shape}, expected {expected}: one row per image and "
            "one column per distortion that has attributes."
        )


def _check(
    images: Images, strengths: np.ndarray, config: TuningConfig, validation: Examples | None
) -> None:
    if not len(images):
        raise ConfigError("There is no image to tune on; the split leaves the training part empty.")
    if config.mode != "none" and (strengths == strengths[:1]).all():
        raise ConfigError(
            f"All {len(images)} images to tune on have the same strengths, so there is nothing to "
            "tell apart. Add clean images, or other distortions or levels."
        )
    if config.patience and (validation is None or not len(validation[0])):
        raise ConfigError(
            "tuning.patience stops by a validation part, and there is none. Set split.validation "
            "(.125 takes an eighth of the training photographs), or tuning.patience to 0."
        )


def _start(encoder: Encoder, pairs: Tensor, groups: Tensor, config: TuningConfig) -> TunedModel:
    tower: nn.Module = encoder.tower
    if config.mode == "shallow" or config.mode == "deep":
        tower = PromptedTower(
            encoder.tower, config.mode, config.prompts,
            insertion=config.insertion, initialisation=config.initialisation,
            dropout=config.prompt_dropout,
        )  # fmt: skip
    elif config.mode == "whole":
        tower = deepcopy(encoder.tower).requires_grad_(True)
    return TunedModel(
        encoder,
        tower,
        AttributeHead(groups.to(pairs.device)),
        pairs,
        config.logit_scale or encoder.logit_scale,
        chosen_precision(config.precision, encoder.device),
    )


def _take_over(model: TunedModel, start: Mapping[str, Tensor]) -> None:
    taken = model.trained()
    del taken["head.logits"]
    if start and not taken.keys() <= start.keys():
        raise CheckpointMismatchError(
            f"The weights to start from hold {_few(start)}, not {_few(taken)}: they were tuned in "
            "another mode or on another encoder. Set tuning.start to 'fresh'."
        )
    for name, parameter in taken.items() if start else ():
        _set(name, parameter, start[name])


def _set(name: str, parameter: nn.Parameter, values: Tensor) -> None:
    if parameter.shape != values.shape:
        raise CheckpointMismatchError(
            f"Trained weights '{name}' have shape {tuple(values.shape)}, expected "
            f"{tuple(parameter.shape)}: they belong to another attribute set, configuration or "
            "encoder."
        )
    with torch.no_grad():
        parameter.copy_(values)


def _few(names: Mapping[str, object]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
