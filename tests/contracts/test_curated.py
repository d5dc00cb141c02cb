"""The curated set: complete, distinct, and never the distortion's own name."""

import re

from workbench.distortions import catalogue
from workbench.settings import resource
from workbench.store.text import read_attributes

# Words of a distortion's name that do not give it away.
HARMLESS = {
    "change",
    "color",
    "colour",
    "component",
    "high",
    "lens",
    "mean",
    "of",
    "patch",
    "white",
    "1",
    "2",
}


def curated():
    return read_attributes(resource("attribute_db/curated"), origin="curated")


def test_every_distortion_has_five_attributes_and_no_two_share_one():
    phrases = curated().phrases()
    assert set(phrases) == set(catalogue())
    assert {len(some) for some in phrases.values()} == {5}
    assert len({phrase for some in phrases.values() for phrase in some}) == 5 * len(catalogue())


def test_no_attribute_names_its_distortion():
    for distortion, phrases in curated().phrases().items():
        names = set(re.findall(r"\w+", f"{distortion.replace('_', ' ')}")) - HARMLESS
        for phrase in phrases:
            assert not {word for word in names if word[:5] in phrase}, (distortion, phrase)
