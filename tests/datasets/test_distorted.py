import cv2
import numpy as np
import piq
import pytest
import torch

from workbench.datasets.distorted_set import distorted_set
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.datasets.weak_scores import weak_scores
from workbench.domain.config import DataConfig
from workbench.domain.distortion import Distortion
from workbench.errors import DataError

pytestmark = pytest.mark.slow

SPECS = {
    "fade": Distortion(
        id="fade", name="Fade", group="brightness", source="test", explanation="dimmed",
        levels=(0.9, 0.5),
    ),
    "words": Distortion(
        id="words", name="Words", group="spatial", source="test", explanation="only words",
        has_operator=False,
    ),
}  # fmt: skip
CONFIG = DataConfig(distortions=("fade",), width=96, height=72)


def fade(image, distortion, level, seed):
    return (image * SPECS[distortion].levels[level - 1]).astype(np.uint8)


def make(tmp_path, config=CONFIG, distort=fade, told=None):
    return distorted_set(
        config, SPECS, distort, cache=tmp_path,
        progress=lambda share, text: told.append(share) if told is not None else None,
    )  # fmt: skip


def test_a_set_holds_every_photograph_clean_and_at_every_level(tmp_path):
    made = make(tmp_path)
    assert made.images.shape == (30, 72, 96, 3)
    assert made.names[:3] == ("astronaut/clean/0", "astronaut/fade/1", "astronaut/fade/2")
    assert made.strengths()[:3, 0].tolist() == [0.0, 0.5, 1.0]
    clean = load_photograph(photograph_files("packaged")["astronaut"], 96, 72)
    assert (made.images[0] == clean).all()
    assert (made.images[2] == fade(clean, "fade", 2, 0)).all()
    assert made.quality[0] == pytest.approx(1.0, abs=1e-6)
    assert (made.quality[1::3] > made.quality[2::3]).all()


def test_a_second_call_reads_the_cache_and_gives_the_same_bytes(tmp_path):
    first = make(tmp_path)
    told = []
    second = make(tmp_path, distort=None, told=told)
    assert told == []
    assert second.hash == first.hash
    assert (second.images == first.images).all()


def test_an_interrupted_making_leaves_nothing(tmp_path):
    def broken(image, distortion, level, seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, distort=broken)
    assert list((tmp_path / "distorted").iterdir()) == []


def test_a_distortion_without_operator_is_refused(tmp_path):
    with pytest.raises(DataError, match="'words' has no operator"):
        make(tmp_path, DataConfig(distortions=("words",)))


def test_an_unwritable_cache_is_one_plain_line(tmp_path):
    (tmp_path / "distorted").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="Distorted images could not be written to"):
        make(tmp_path)


@pytest.mark.parametrize("metric", ["haarpsi", "vsi", "fsim"])
def test_weak_scores_are_piqs_and_fall_with_blur(metric):
    clean = load_photograph(photograph_files("packaged")["coffee"], 128, 96)
    blurred = np.stack([cv2.GaussianBlur(clean, (0, 0), s) for s in (0.5, 1.5, 4.0)])
    scores = weak_scores(clean, blurred, metric)
    assert scores[0] > scores[1] > scores[2]
    x, y = (torch.from_numpy(i.copy()).permute(2, 0, 1)[None] / 255.0 for i in (blurred[1], clean))
    assert scores[1] == pytest.approx(getattr(piq, metric)(x, y).item(), abs=1e-6)
