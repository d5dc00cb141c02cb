import pytest
import torch

from tests.tuning.small_encoder import small_encoder
from workbench.tuning.threads import computing_threads


@pytest.fixture(scope="session")
def _one():
    return small_encoder()


@pytest.fixture(autouse=True)
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
