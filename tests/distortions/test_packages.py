"""Other packages' operators, from packages that are really there: on the path of a child process.

What `importlib.metadata` reads of an installed package is its folder of metadata.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.installed_package import put_package
from workbench.distortions.catalogue import ENTRY_POINTS

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]

FADE = """
from workbench.distortions.operator import deterministic
from workbench.domain.distortion import Distortion

FADE = deterministic(
    Distortion(id="{id}", name="Fade", group="colour", source="somebody", levels=(0.2, 0.8),
               explanation="The picture is mixed with grey.", parameter="share of grey"),
    lambda image, share: image * (1 - share) + share / 2,
)
OPERATORS = (FADE,)
NOTHING = 5
"""

ASK = """
from workbench.distortions import apply_distortion, catalogue
from workbench.errors import ConfigError
import numpy as np
try:
    print(apply_distortion(np.zeros((1, 1, 3), np.uint8), "fade", 2, seed=0).max())
    print(list(catalogue()).count("fade"), catalogue()["fade"].source)
except ConfigError as fault:
    print(fault)
"""


@pytest.fixture
def answer(tmp_path):
    def install(package, target, code):
        entry = f"{package} = {package}_code{target}"
        put_package(tmp_path, package, group=ENTRY_POINTS, entry=entry, code=code)

    def ask(*packages):
        for package in packages:
            install(*package)
        code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n{ASK}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return ask


@pytest.mark.parametrize("target", ["", ":FADE", ":OPERATORS"])
def test_a_module_a_tuple_and_one_operator_can_be_offered(answer, target):
    assert answer(("mine", target, FADE.format(id="fade"))) == "102\n1 somebody"


BROKEN = {
    "an error in its code": (
        [("mine", "", "1 / 0")],
        "The package 'mine' offers distortions that cannot be loaded: mine_code: "
        "ZeroDivisionError: division by zero. Repair or uninstall mine.",
    ),
    "a faulty specification": (
        [("mine", "", FADE)],
        "The package 'mine' offers distortions that cannot be loaded: mine_code: ValidationError: "
        "1 validation error for Distortion id String should match pattern",
    ),
    "a name that is not there": (
        [("mine", ":LOST", FADE.format(id="fade"))],
        "The package 'mine' offers distortions that cannot be loaded: mine_code:LOST: "
        "AttributeError",
    ),
    "something else": (
        [("mine", ":NOTHING", FADE.format(id="fade"))],
        "The package 'mine' offers mine_code:NOTHING as distortions, which is neither an Operator",
    ),
    "a taken id": (
        [("mine", "", FADE.format(id="jpeg"))],
        "Two distortions share the id 'jpeg', one of workbench.distortions.compression and one of "
        "mine; rename one of them, or uninstall its package.",
    ),
    "two of one id": (
        [("mine", "", FADE.format(id="fade")), ("yours", "", FADE.format(id="fade"))],
        "Two distortions share the id 'fade', one of mine and one of yours",
    ),
}


@pytest.mark.parametrize(("packages", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_package_is_named_with_what_to_do(answer, packages, words):
    assert answer(*packages).startswith(words)
