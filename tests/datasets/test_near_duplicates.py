import cv2
import numpy as np
import pytest
from PIL import Image

from workbench.datasets.distorted_set import distorted_set
from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import photograph_files
from workbench.datasets.splits.near_duplicates import (
    NearDuplicate,
    near_duplicates,
    perceptual_hash,
)
from workbench.domain.config import DataConfig
from workbench.domain.distortion import Distortion
from workbench.errors import SplitLeakageError

pytestmark = pytest.mark.slow

# The two of the ten that are no photographs of a scene are left out.
NAMES = ("astronaut", "chelsea", "china", "coffee", "flower", "motorcycle", "retina", "rocket")
PHOTOGRAPHS = {name: read_image(photograph_files("packaged")[name]) for name in NAMES}


def jpeg(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def scaled(image, factor):
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=how)


def cropped(image, share, top=0.5, left=0.5):
    height, width = (round(side * share) for side in image.shape[:2])
    y, x = round((image.shape[0] - height) * top), round((image.shape[1] - width) * left)
    return image[y : y + height, x : x + width]


COPIES = {
    "re-encoded": lambda image: jpeg(image, 30),
    "70 %": lambda image: scaled(image, 0.7),
    "130 %": lambda image: scaled(image, 1.3),
    "4 % cut off": lambda image: cropped(image, 0.96, 0, 1),
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.05, beta=12),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "two thirds from the middle": lambda image: cropped(image, 2 / 3),
    "two thirds from a corner": lambda image: cropped(image, 2 / 3, 0, 0),
    "mirrored crop, re-encoded": lambda image: jpeg(cropped(image, 2 / 3)[:, ::-1], 50),
}


def pairs_of(found):
    return {(pair.first, pair.second) for pair in found}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_is_found_and_no_two_different_photographs_are_taken_for_one(copy):
    changed = {f"copy of {name}": COPIES[copy](image) for name, image in PHOTOGRAPHS.items()}
    found = near_duplicates(PHOTOGRAPHS | changed)
    assert pairs_of(found) == {(name, f"copy of {name}") for name in NAMES}
    assert all(pair.mirrored == ("mirrored" in copy) for pair in found)
    assert all(0.9 <= pair.correlation <= 1 for pair in found)


def test_whole_pictures_are_found_without_looking_for_crops():
    changed = {
        "small": scaled(PHOTOGRAPHS["china"], 0.5),
        "part": cropped(PHOTOGRAPHS["coffee"], 0.6),
    }
    found = near_duplicates(PHOTOGRAPHS | changed, crops=False)
    assert pairs_of(found) == {("china", "small")}


def test_dark_pictures_without_corners_are_compared_as_wholes():
    rng = np.random.default_rng(0)
    blobs = [cv2.resize(rng.integers(0, 30, (4, 5, 3), np.uint8), (300, 240)) for _ in range(6)]
    pictures = dict(enumerate(cv2.GaussianBlur(blob, (0, 0), 15) for blob in blobs))
    named = {f"dark {n}": picture for n, picture in pictures.items()}
    assert near_duplicates(named) == []
    found = near_duplicates(named | {"again": scaled(pictures[2], 0.6)})
    assert pairs_of(found) == {("dark 2", "again")}


@pytest.mark.parametrize("shape", [(1, 1), (17, 13), (3, 900), (64, 64)])
def test_pictures_of_one_colour_or_of_hardly_any_pixels_are_never_taken_for_each_other(shape):
    flat = {f"{value}": np.full((*shape, 3), value, np.uint8) for value in (0, 90, 255)}
    assert near_duplicates(flat) == []


def test_the_packaged_photographs_all_differ():
    assert near_duplicates(photograph_files("packaged")) == []


def test_the_threshold_decides_and_the_share_done_is_told():
    pictures = {"cat": PHOTOGRAPHS["chelsea"], "copy": jpeg(PHOTOGRAPHS["chelsea"], 10)}
    told = []
    found = near_duplicates(pictures, progress=lambda share, text: told.append(share))
    assert found == [NearDuplicate("cat", "copy", found[0].correlation)]
    assert near_duplicates(pictures, threshold=1.0) == []
    assert told == sorted(told)
    assert told[-1] <= 1
    assert near_duplicates({}) == near_duplicates({"one": PHOTOGRAPHS["coffee"]}) == []


def test_the_hash_is_the_sign_of_the_lowest_frequencies_about_their_median():
    grey = cv2.cvtColor(PHOTOGRAPHS["coffee"], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(float)
    n = np.arange(32)
    cosines = np.cos(np.pi * (2 * n + 1) * n[:, None] / 64)
    low = (cosines @ small @ cosines.T)[1:9, 1:9].ravel()
    bits = "".join("1" if value > np.median(low) else "0" for value in low)
    assert perceptual_hash(grey) == int(bits, 2)
    assert (perceptual_hash(scaled(grey, 0.7)) ^ int(bits, 2)).bit_count() <= 4


def test_a_folder_with_one_picture_twice_makes_no_set_and_names_both_files(tmp_path):
    Image.fromarray(PHOTOGRAPHS["coffee"]).save(tmp_path / "a.png")
    Image.fromarray(cropped(PHOTOGRAPHS["coffee"], 0.8)).save(tmp_path / "b.jpg", quality=80)
    spec = Distortion(
        id="fade", name="Fade", group="brightness", source="test", explanation="dimmed",
        levels=(0.5,),
    )  # fmt: skip
    with pytest.raises(
        SplitLeakageError, match=r"a\.png and .*b\.jpg show the same picture .*Take one of them out"
    ):
        distorted_set(
            DataConfig(photographs=str(tmp_path), distortions=("fade",), width=96, height=72),
            {"fade": spec}, lambda image, *_: image, cache=tmp_path / "cache",
            progress=lambda share, text: None,
        )  # fmt: skip
    assert not (tmp_path / "cache").exists()
