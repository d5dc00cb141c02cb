import numpy as np
import pytest
import skimage.data


@pytest.fixture(scope="session")
def photograph():
    """A natural photograph, (96, 128, 3), uint8, with skin, sky, metal and text."""
    picture = np.ascontiguousarray(skimage.data.astronaut()[40:136, 150:278])
    picture.setflags(write=False)
    return picture


@pytest.fixture(scope="session")
def floats(photograph):
    """The same, float32 in [0, 1]."""
    picture = (photograph / 255).astype(np.float32)
    picture.setflags(write=False)
    return picture


@pytest.fixture
def rng():
    return np.random.default_rng(20)
