"""The training loop: tune a tower until attribute probabilities tell distortion strengths."""

import logging
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from workbench.domain.canonical import Losses, Progress, no_losses
from workbench.domain.config import TuningConfig
from workbench.encoders import Encoder
from workbench.errors import CheckpointMismatchError, ConfigError, ShapeError
from workbench.training.checkpoint import fingerprint, seeded
from workbench.training.distributed import process_group
from workbench.training.epochs import EpochTraining, Position
from workbench.training.modules import AttributeHead, PromptedTower, distortion_loss
from workbench.training.prompt_pairs import EncodedAttributes
from workbench.training.tuned_model import Examples, TunedModel, resolve_precision

_log = logging.getLogger(__name__)


def tune(
    encoder: Encoder,
    attributes: EncodedAttributes,
    examples: Examples,
    config: TuningConfig,
    *,
    seed: int,
    progress: Progress,
    validation: Examples | None = None,
    start: Mapping[str, Tensor] | None = None,
    checkpoint: Path | None = None,
    facts: Mapping[str, str] | None = None,
    devices: int = 1,
    losses: Losses = no_losses,
) -> TunedModel:
    """Tune prompts, or the whole tower, on images of known distortion strengths.

    An epoch takes every image `config.crops` times, each time another random crop. The encoder is
    left as it was: prompts are new parameters, and a whole tower is tuned as a copy.

    Args:
        encoder: The frozen encoder.
        attributes: A attributes of D distortions, encoded by it.
        examples: N images and their strengths, (N, D).
        config: Mode, schedule and batch.
        seed: Decides prompts, order and crops; the same seed gives the same bits.
        progress: Gets the share done; what it raises passes through.
        validation: Images and strengths that `config.patience` goes by.
        start: A trained state to start from. Prompts and tower are taken over; weights of
            attributes are not, since the attributes differ.
        checkpoint: File that the training is saved to after every epoch; if it exists, the
            training resumes from it to the same bits. It is removed when the training ends.
        facts: What else the checkpoint must share with this training, such as the hash of its
            data: pixels are not hashed here.
        devices: Processes that share every batch, >= 1, each on a GPU of its own or on its part of
            the CPU's threads. Their number changes the last digits only; see `distributed`.
        losses: Gets the loss on the way, "tuning" and on the "validation" part.

    Raises:
        ShapeError: Strengths are not one row per image and one column per distortion.
        ConfigError: There are no images or all have the same strengths, patience has no validation
            part, or there are fewer GPUs than devices.
        TrainingDivergedError: A loss is not finite; names the epoch.
        CheckpointMismatchError: The checkpoint belongs to another training, or `start` to another
            mode.
        RunError: The memory does not hold a batch; says which one might fit.
    """
    for part in (examples, validation):
        if part is not None:
            _require_shape(part, attributes)
    _require_trainable(examples, config, validation)
    with seeded(seed, encoder.device):
        model = untrained_model(encoder, attributes, config)
        _warm_start(model, start or {})
        if config.mode != "none":
            training = EpochTraining(model, examples, config, seed)
            shared = fingerprint(encoder, attributes, examples.strengths, config, seed, start)
            shared |= facts or {}
            _run(training, validation, checkpoint, shared, progress, losses, devices)
    return model


def untrained_model(
    encoder: Encoder, attributes: EncodedAttributes, config: TuningConfig
) -> TunedModel:
    """Return a model before its first step; draws its prompts from torch's random state."""
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
        AttributeHead(attributes.groups.to(attributes.pairs.device)),
        attributes.pairs,
        config.logit_scale or encoder.logit_scale,
        resolve_precision(config.precision, encoder.device),
    )


def restored_model(
    encoder: Encoder,
    attributes: EncodedAttributes,
    config: TuningConfig,
    state: Mapping[str, Tensor],
) -> TunedModel:
    """Return a model with the weights that `TunedModel.state` gave.

    Raises:
        CheckpointMismatchError: Names or shapes are not those of this encoder, these attributes
            and this configuration.
    """
    with torch.random.fork_rng(devices=[]):
        model = untrained_model(encoder, attributes, config)
    trained = model.trained()
    if set(trained) != set(state):
        raise CheckpointMismatchError(
            f"Trained weights hold {_few(state)}, expected {_few(trained)}: they were tuned in "
            f"another mode than '{config.mode}', or another encoder."
        )
    for name, parameter in trained.items():
        _set(name, parameter, state[name])
    model.tower.eval()
    return model


def _run(
    training: EpochTraining,
    validation: Examples | None,
    checkpoint: Path | None,
    facts: Mapping[str, str],
    progress: Progress,
    losses: Losses,
    devices: int,
) -> None:
    """Train epoch by epoch, save each for a restart, and end with the best by validation."""
    model, config = training.model, training.config
    position = Position()
    if checkpoint is not None and checkpoint.is_file():
        position = training.resume(checkpoint, facts)
    left = range(position.epoch, config.epochs)
    with process_group(training, left, processes=devices, device=model.encoder.device):
        for epoch in left:
            if config.patience and position.waited >= config.patience:
                break
            training.epoch(epoch, progress, losses)
            if config.patience and validation is not None:
                loss = _validation_loss(model, validation)
                _log.info("epoch %d of %d: validation loss %.9g", epoch + 1, config.epochs, loss)
                training.require_finite("loss on the validation part", loss, epoch)
                losses("validation", (epoch + 1) * training.steps, loss)
                position = position.after(loss, model.state())
            else:
                position = position.after(None, {})
            if checkpoint is not None and position.epoch < config.epochs:
                training.save(checkpoint, facts, position)
    for name, values in position.best.items():
        _set(name, model.trained()[name], values)
    model.tower.eval()
    # What the last step broke shows in no loss of its own, so ask once more.
    last = training.crop_loss()
    training.require_finite("loss after the last step", last, config.epochs - 1)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)


@torch.no_grad()
def _validation_loss(model: TunedModel, validation: Examples) -> float:
    probabilities = torch.from_numpy(model.probabilities(validation.images))
    predicted = model.head(probabilities.to(model.pairs.device))
    truth = torch.from_numpy(validation.strengths).to(predicted.device)
    return distortion_loss(predicted, truth).item()


def _require_shape(examples: Examples, attributes: EncodedAttributes) -> None:
    shape, expected = examples.strengths.shape, (len(examples.images), attributes.distortions)
    if shape != expected:
        raise ShapeError(
            f"Strengths have shape {shape}, expected {expected}: one row per image and "
            "one column per distortion that has attributes."
        )


def _require_trainable(
    examples: Examples, config: TuningConfig, validation: Examples | None
) -> None:
    images, strengths = examples
    if not len(images):
        raise ConfigError("There is no image to tune on; the split leaves the training part empty.")
    if config.mode != "none" and (strengths == strengths[:1]).all():
        raise ConfigError(
            f"All {len(images)} images to tune on have the same strengths, so there is nothing to "
            "tell apart. Add clean images, or other distortions or levels."
        )
    if config.patience and (validation is None or not len(validation.images)):
        raise ConfigError(
            "tuning.patience stops by a validation part, and there is none. Set split.validation "
            "(.125 takes an eighth of the training photographs), or tuning.patience to 0."
        )


def _warm_start(model: TunedModel, start: Mapping[str, Tensor]) -> None:
    taken = model.trained()
    del taken["head.logits"]  # weights of other attributes (decision 0016)
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
