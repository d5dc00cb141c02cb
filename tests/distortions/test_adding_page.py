"""The examples of docs/adding-a-distortion.md do what the page says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from workbench.distortions import Operator, read_recipe, strip

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-distortion.md").read_text(encoding="utf-8")


def example(language):
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.M | re.S)
    return block


@pytest.fixture
def photograph():
    return skimage.data.astronaut()[:128, :128]


def test_the_recipe_is_one_and_every_level_is_farther_from_the_photograph(tmp_path, photograph):
    (tmp_path / "night.yaml").write_text(example("yaml"), encoding="utf-8")
    recipe = read_recipe(tmp_path / "night.yaml")
    assert f"workbench draft {recipe.id}\n" in PAGE
    images = strip(photograph, recipe.id, (recipe,)).astype(float)
    errors = [np.square(image - images[0]).mean() for image in images]
    assert errors == sorted(set(errors))


def test_the_module_lists_an_operator_that_keeps_the_contract(photograph):
    names = {}
    exec(compile(example("python"), "scan_lines.py", "exec"), names)
    (operator,) = names["OPERATORS"]
    assert isinstance(operator, Operator)
    assert f"{operator.spec.id}.py`" in PAGE
    clean = photograph.astype(np.float32) / 255
    for loss in (operator.spec.neutral, *operator.spec.levels):
        image = operator.function(clean, loss, np.random.default_rng(0))
        assert image.dtype == np.float32
        assert image[0, 0] == pytest.approx(clean[0, 0] * (1 - loss), abs=1e-6)
        assert (image <= clean).all()


def test_the_entry_point_brings_the_module_into_the_catalogue(tmp_path):
    (group,) = tomllib.loads(example("toml"))["project"]["entry-points"].items()
    ((name, target),) = group[1].items()
    package, module = target.split(".")
    (tmp_path / package).mkdir()
    (tmp_path / package / f"{module}.py").write_text(example("python"))
    metadata = tmp_path / f"{package}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[{group[0]}]\n{name} = {target}\n")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "from workbench.distortions import catalogue; print(catalogue()['scan_lines'].name)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "Scan lines\n"
