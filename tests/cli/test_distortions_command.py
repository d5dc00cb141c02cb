"""`workbench distortions apply`: what cannot be written is said before the work."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.databases import fresh_database

pytestmark = pytest.mark.slow


@pytest.fixture
def apply(workbench, tmp_path, monkeypatch):
    """Distort an image of a size and return status, stdout and stderr."""
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))

    def command(target, size, distortion, *more):
        Image.new("RGB", size, (90, 90, 90)).save(tmp_path / "in.png")
        source = tmp_path / "in.png"
        return workbench("distortions", "apply", distortion, source, target, "--level", 2, *more)

    return command


@pytest.mark.parametrize(
    ("name", "size", "distortion", "line"),
    [
        ("x.webp", (16_384, 4), "darken", "WEBP holds at most 16,383 pixels a side, got 16384 x 4"),
        ("x.jpg", (4, 65_501), "darken", "JPEG holds at most 65,500 pixels a side, got 4 x 65501"),
        ("x.avif", (32_769, 4), "darken", "AVIF holds at most 32,768 pixels a side"),
        ("x.png", (65_501, 4), "jpeg", "JPEG holds at most 65,500 pixels a side"),
        ("x.xyz", (4, 4), "darken", "no form that can be written ends in '.xyz'"),
        ("x", (4, 4), "darken", "no form that can be written ends in ''"),
        ("x.ico", (4, 4), "darken", "no form that can be written ends in '.ico'"),
        ("none/x.png", (4, 4), "darken", "no folder"),
    ],
)
def test_what_cannot_be_written_is_one_line(apply, tmp_path, name, size, distortion, line):
    status, out, err = apply(tmp_path / name, size, distortion)
    assert (status, out) == (1, "")
    assert line in err
    assert err.count("\n") == 1
    assert sorted(file.name for file in tmp_path.glob("x*")) == []


def test_an_image_is_never_written_over_itself(apply, tmp_path):
    (tmp_path / "sub").mkdir()
    for target in (tmp_path / "in.png", tmp_path / "sub" / ".." / "in.png"):
        status, out, err = apply(target, (64, 48), "darken")
        assert (status, out) == (1, "")
        assert "is the image that was to be read, and would be lost. Name another file" in err


@pytest.mark.parametrize("name", ["x.png", "x.JPG", "x.webp", "x.avif", "x.tif", "x.jp2", "x.bmp"])
def test_every_common_form_is_written(apply, tmp_path, name):
    status, out, _ = apply(tmp_path / name, (64, 48), "darken", "--json")
    assert status == 0
    assert json.loads(out)["id"] == "darken"
    with Image.open(tmp_path / name) as image:
        assert np.asarray(image).shape == (48, 64, 3)


SMALL = """
import resource, sys
from tests.databases import fresh_database
from workbench.cli import main
limit = 1200 << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
main()
"""


@pytest.mark.process
def test_too_little_memory_is_one_line(tmp_path):
    Image.new("RGB", (8000, 6000)).save(tmp_path / "in.png", compress_level=1)
    words = ("distortions", "apply", "darken", tmp_path / "in.png", tmp_path / "x.png")
    done = subprocess.run(
        [sys.executable, "-c", SMALL, *words, "--level", "2"],
        capture_output=True,
        text=True,
        env={**os.environ, "WORKBENCH_DB": f"sqlite:///{tmp_path}/s.sqlite", "OMP_NUM_THREADS": "1",
             "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "memory" in done.stderr
    assert "internal error" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "x.png").exists()


@pytest.fixture
def stored(workbench, tmp_path, monkeypatch):
    """A command over a store of its own."""
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    return lambda *words: workbench("distortions", *words)


def test_any_strength_between_two_levels_can_be_applied(stored, tmp_path):
    Image.new("RGB", (8, 8), (100, 100, 100)).save(tmp_path / "in.png")
    words = ("apply", "mean_shift", tmp_path / "in.png", tmp_path / "out.png")
    status, out, _ = stored(*words, "--parameter", 0.1, "--json")
    assert status == 0
    assert json.loads(out) == {"id": "mean_shift", "level": None, "parameter": 0.1, "seed": 0}
    assert np.asarray(Image.open(tmp_path / "out.png"))[0, 0, 0] == 126
    status, _, err = stored(*words, "--parameter", 1.5)
    assert status == 1
    assert "must be at most 1, got 1.5" in err
    assert stored(*words)[0] == stored(*words, "--level", 1, "--parameter", 0.1)[0] == 2


def test_show_says_what_a_type_is_and_what_names_it(stored, workbench):
    status, out, _ = stored("show", "darken", "--json")
    assert status == 0
    shown = json.loads(out)
    assert shown["near"] == ["under_exposure", "vignetting"]
    assert shown["used_by"] == {"draft": 0, "versions": []}
    assert (shown["attributes"], shown["runs"], shown["steps"]) == ([], [], [])
    assert "levels: 0.05 0.1 0.2 0.4 0.8" in stored("show", "darken")[1]
    status, _, err = stored("show", "jpg")
    assert (status, "Did you mean 'jpeg'?" in err) == (1, True)


def test_a_recipe_that_nothing_names_can_be_replaced(stored, tmp_path):
    file = tmp_path / "dim.yaml"
    for amount in (0.1, 0.4):
        file.write_text(
            "name: Dim\nexplanation: It gets dark.\n"
            f"steps: [{{operator: darken, parameters: [{amount}]}}]\n"
        )
        status, _, err = stored("add", file)
    assert (status, "There is another recipe 'dim'" in err) == (1, True)
    assert stored("add", file, "--replace")[0] == 0
    shown = json.loads(stored("show", "dim", "--json")[1])
    assert shown["steps"] == [{"operator": "darken", "parameters": [0.4]}]
