from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from workbench.datasets.generation.plan import GeneratorConfig, plan_image
from workbench.domain.distortion import Distortion

SPECS = [
    Distortion(id=f"d{n}", name="", group="blur", source="", explanation="", levels=range(1, n + 2))
    for n in range(1, 8)
]
IDS = tuple(spec.id for spec in SPECS)


def planned(photographs=10, count=2000, **options):
    config = GeneratorConfig(
        **{"count": count, "distortions": IDS, "max_distortions": len(IDS)} | options
    )
    return [plan_image(config, SPECS, photographs, index) for index in range(count)]


@given(st.integers(1, 40), st.integers(1, 60), st.integers(1, len(IDS)), st.integers(0, 2**31))
def test_every_plan_is_possible(photographs, count, most, seed):
    levels = {spec.id: len(spec.levels) for spec in SPECS}
    images = planned(photographs, count, max_distortions=most, seed=seed)
    for image in images:
        types = [name for name, _ in image.steps]
        assert len(set(types)) == len(types)
        assert 1 <= len(types) <= most
        assert all(1 <= level <= levels[name] for name, level in image.steps)
    shares = Counter(image.photograph for image in images)
    assert [image.photograph for image in images] == sorted(image.photograph for image in images)
    if count >= photographs:
        assert set(shares) == set(range(photographs))
        assert max(shares.values()) - min(shares.values()) <= 1


def test_number_types_order_and_levels_are_uniform():
    images = planned()
    numbers = Counter(len(image.steps) for image in images)
    assert stats.chisquare([numbers[n] for n in range(1, 8)]).pvalue > 0.01
    firsts = Counter(image.steps[0][0] for image in images)
    assert stats.chisquare([firsts[name] for name in IDS]).pvalue > 0.01
    levels = Counter(level for image in images for name, level in image.steps if name == "d7")
    assert stats.chisquare([levels[n] for n in range(1, 9)]).pvalue > 0.01
    assert len({image.seed for image in images}) == len(images)


def test_a_share_is_left_clean():
    clean = sum(not image.steps for image in planned(clean_share=0.3))
    assert stats.binomtest(clean, 2000, 0.3).pvalue > 0.01
    assert all(not image.steps for image in planned(count=20, clean_share=1))


def test_the_seed_decides():
    assert planned(count=50, seed=4) == planned(count=50, seed=4)
    assert planned(count=50, seed=4) != planned(count=50, seed=5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_distortions": 99}, "max_distortions: at most 7, the number of distortions"),
        ({"distortions": ("d1", "d1"), "max_distortions": 1}, "one is named twice"),
        ({"form": "array"}, "size: an array needs one width and height"),
        ({"size": (0, 5)}, "size: width and height must be at least 1"),
        ({"quality": 50}, "quality: png is lossless"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        planned(**options)


def test_levels_are_not_tied_to_the_image_number():
    images = planned(photographs=1)
    first = np.array([image.steps[0][1] / 8 for image in images])
    assert abs(stats.spearmanr(first, np.arange(len(first))).statistic) < 0.06
