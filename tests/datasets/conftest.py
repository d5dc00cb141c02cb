import pytest

from tests.datasets.layouts import BUILDERS
from workbench.datasets.adapters import adapters
from workbench.datasets.image_reader import read_image


@pytest.fixture
def built(tmp_path):
    """Build a dataset's layout in a new folder and return the folder."""

    def build(name, **more):
        root = tmp_path / name
        root.mkdir()
        BUILDERS[name](root, **more)
        return root

    return build


@pytest.fixture
def load(built):
    """Build a dataset's layout and load it."""
    return lambda name, **more: adapters()[name].load(built(name, **more))


@pytest.fixture
def read(tmp_path):
    """Read the bytes of a file."""

    def of_bytes(data, name="x.png"):
        (tmp_path / name).write_bytes(data)
        return read_image(tmp_path / name)

    return of_bytes
