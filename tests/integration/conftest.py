import pytest
from PIL import Image

from workbench.datasets.photographs import load_photograph, photograph_files

FEW = ("astronaut", "chelsea", "china", "coffee", "flower", "rocket")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder of six photographs, each as large as the offline encoder sees at once."""
    folder = tmp_path_factory.mktemp("photographs")
    files = photograph_files("packaged")
    for name in FEW:
        Image.fromarray(load_photograph(files[name], 224, 224)).save(folder / f"{name}.png")
    return folder
