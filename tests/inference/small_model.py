"""A really small model: few images, one epoch, a narrow regressor."""

from datetime import UTC, datetime

import numpy as np

from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.config import DataConfig, EncoderConfig, RunConfig
from workbench.domain.run import Protocol
from workbench.encoders.protocol import computing_threads
from workbench.inference import save_model
from workbench.inference.model_card import card_of
from workbench.inference.unlikeness import Familiarity, TrainingImages, picture_statistics
from workbench.training.loop import tune
from workbench.training.prompt_pairs import encode_attributes
from workbench.training.regressor import fit_regressor
from workbench.training.tuned_model import Examples

ATTRIBUTES = AttributeSet.from_phrases(
    {"blur": ["soft edges", "hazy look"], "noise": ["grain", "hazy look", "speckle"]}
)
VERSION = Version(
    hash=ATTRIBUTES.hash,
    attributes=ATTRIBUTES,
    message="",
    author="ann",
    created_at=datetime(2025, 1, 1, tzinfo=UTC),
    aliases=("mine",),
)
PROTOCOL = Protocol(
    dataset="grainy pictures",
    data_hash="d" * 64,
    target="made up",
    distortions=("blur", "noise"),
    split="none",
    crop="one",
    images=12,
    photographs=12,
)


def configured(*, mode="shallow", encoder="offline", **regressor):
    return RunConfig(
        data=DataConfig(distortions=("blur", "noise")),
        encoder=EncoderConfig(name=encoder),
        tuning={"mode": mode, "prompts": 2, "epochs": 1, "crops": 1, "batch_size": 6},
        regressor={"hidden": (16, 8), "epochs": 10, "dropout": 0.0, **regressor},
    )


def grainy(count=12, size=224):
    """Pictures of more and more grain, (N, H, W, 3), their strengths and their quality."""
    rng = np.random.default_rng(0)
    share = np.linspace(0, 1, count)
    grain = rng.normal(0, 60, (count, size, size, 3)) * share[:, None, None, None]
    images = (128 + grain).clip(0, 255).astype(np.uint8)
    strengths = np.stack([np.zeros(count), share], axis=1).astype(np.float32)
    return images, strengths, 1 - share


def trained(encoder, config):
    """Return the tuned model, its regressor and the features of the images."""
    images, strengths, quality = grainy(size=encoder.tower.image_size)
    encoded = encode_attributes(encoder, ATTRIBUTES)
    with computing_threads(encoder.threads):
        tuned = tune(
            encoder, encoded, Examples(images, strengths), config.tuning,
            seed=0, progress=lambda share, text: None,
        )  # fmt: skip
        features = tuned.features(images, config.regressor)
    inputs = tuned.regressor_inputs(features, config.regressor)
    return tuned, fit_regressor(inputs, quality, config.regressor, seed=0), features


def card_for(encoder, config):
    return card_of(encoder, VERSION, ATTRIBUTES, config, PROTOCOL)


def written(folder, tuned, regressor, features, config):
    card = card_for(tuned.encoder, config)
    absent, absent_inputs = features.probabilities[0], features.inputs[0]
    save_model(
        folder, card, tuned, regressor, absent=absent, absent_inputs=absent_inputs,
        familiarity=familiarity_with(tuned, features),
    )  # fmt: skip
    return folder


def familiarity_with(tuned, features):
    """Every image was held out by itself."""
    images, *_ = grainy(size=tuned.encoder.tower.image_size)
    statistics, embeddings = np.stack([*map(picture_statistics, images)]), features.embeddings
    rows = np.arange(len(images))
    held_out = [
        TrainingImages.of(statistics[rows != row], embeddings[rows != row]).distances(
            statistics[[row]], embeddings[[row]]
        )
        for row in rows
    ]
    return Familiarity.of(TrainingImages.of(statistics, embeddings), np.concatenate(held_out))
