import pytest
import torch

from tests.training.small_encoder import ATTRIBUTES, small_encoder
from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.settings import read_settings
from workbench.training.prompt_pairs import encode_attributes


@pytest.fixture(scope="session")
def _one():
    return small_encoder()


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Keep short operations of small towers from waiting for each other."""
    with computing_threads(1):
        yield


@pytest.fixture
def small(_one):
    """The small encoder; no test may change it."""
    before = {name: values.clone() for name, values in _one.model.state_dict().items()}
    yield _one
    after = _one.model.state_dict()
    assert all(torch.equal(before[name], values) for name, values in after.items())


@pytest.fixture(scope="session")
def encoder():
    """The offline encoder; no test may change it."""
    return load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)


@pytest.fixture(scope="session")
def pairs(encoder):
    """The offline encoder's embeddings of `ATTRIBUTES`, and their groups."""
    return encode_attributes(encoder, ATTRIBUTES)
