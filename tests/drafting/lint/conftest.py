"""What costs seconds to make: the offline encoder, and a probe of three photographs."""

from functools import partial

import pytest
import torch
from PIL import Image

from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import catalogue
from workbench.domain.config import EncoderConfig
from workbench.drafting.lint import RememberedTexts, load_probe
from workbench.encoders import load_encoder
from workbench.settings import read_settings
from workbench.training.prompt_pairs import sentence_pairs

PROBED = ("gaussian_blur", "jpeg")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def encoder():
    return load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)


@pytest.fixture(scope="session")
def text(encoder):
    return RememberedTexts(encoder)


@pytest.fixture(scope="session")
def pristine():
    return partial(sentence_pairs, polarity="pristine")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    files = photograph_files("packaged")
    for name in ("astronaut", "china", "coffee"):
        Image.fromarray(load_photograph(files[name], 384, 288)).save(folder / f"{name}.png")
    return str(folder)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def probe(encoder, photographs, cache):
    specs = [catalogue()[name] for name in PROBED]
    return load_probe(encoder, specs, cache=cache, photographs=photographs)
