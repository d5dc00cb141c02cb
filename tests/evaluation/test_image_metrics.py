"""Metrics of packages that are really there, on the path of this process."""

import numpy as np
import pytest

from tests.installed_package import put_package
from workbench.errors import ConfigError
from workbench.evaluation.baselines import ENTRY_POINTS, offered_metrics, scores

CODE = """
brightness = lambda image: image.mean()
NOTHING = 5
def broken(image):
    raise OSError("weights are missing")
def endless(image):
    return float("inf")
"""
IMAGES = [np.full((4, 4, 3), level, np.uint8) for level in (0, 100)]


@pytest.fixture
def install(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def installed(package, name, target):
        entry = f"{name} = {package}_code:{target}"
        put_package(tmp_path, package, group=ENTRY_POINTS, entry=entry, code=CODE)

    return installed


def test_a_packages_metric_is_found_by_its_name_and_asked_for_each_image(install):
    assert offered_metrics() == {}
    install("first", "light", "brightness")
    assert scores("light", offered_metrics()["light"], IMAGES).tolist() == [0, 100]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("LOST", "The package 'second' offers metrics that cannot be loaded: second_code:LOST"),
        ("NOTHING", "The package 'second' offers second_code:NOTHING as a metric, which is no "
         "function of an image. Repair or uninstall second."),
        ("brightness", "Two packages offer a metric 'light', one of them 'second'."),
    ],
)  # fmt: skip
def test_a_package_that_cannot_be_used_is_named(install, target, words):
    install("first", "light", "brightness")
    install("second", "light" if target == "brightness" else "other", target)
    with pytest.raises(ConfigError) as refused:
        offered_metrics()
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(
    ("target", "words"),
    [("broken", "failed on image 0 of 2: OSError: weights are missing"),
     ("endless", "gave inf for image 0 of 2")],
)  # fmt: skip
def test_a_metric_that_fails_is_named_with_the_image(install, target, words):
    install("first", "mine", target)
    with pytest.raises(ConfigError, match=f"The metric 'mine' of another package {words}"):
        scores("mine", offered_metrics()["mine"], IMAGES)
