from typing import NamedTuple

import pytest
from PIL import Image

from tests.inference.small_model import configured, grainy, trained, written
from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.inference.quality_model import QualityModel, load_model
from workbench.settings import read_settings


class Saved(NamedTuple):
    """A model that was trained, saved and loaded again."""

    folder: object
    tuned: object
    regressor: object
    features: object
    model: QualityModel


@pytest.fixture(scope="session")
def encoder():
    return load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)


@pytest.fixture(scope="session")
def save(encoder, tmp_path_factory):
    """Return a function that trains, saves and loads a small model; each kind once."""
    models = {}

    def saved(**fields):
        key = tuple(sorted(fields.items()))
        if key not in models:
            config = configured(**fields)
            parts = trained(encoder, config)
            folder = written(tmp_path_factory.mktemp("models") / "model", *parts, config)
            models[key] = Saved(folder, *parts, load_model(folder))
        return models[key]

    return saved


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder with two readable images of more than one view, the second in a subfolder."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "below").mkdir()
    images, _, _ = grainy(2, size=240)
    Image.fromarray(images[1]).save(folder / "b.png")
    Image.fromarray(images[0]).save(folder / "below" / "c.png")
    return folder
