import pytest

from workbench.encoders.protocol import computing_threads
from workbench.settings import read_settings


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with computing_threads(1):
        yield


@pytest.fixture
def settings(tmp_path):
    return read_settings().model_copy(update={"home": tmp_path, "cache": tmp_path / "cache"})
