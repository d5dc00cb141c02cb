"""What a run was tuned on is not what it is tried on: by folder, and by what the pictures show."""

from dataclasses import replace

import pytest

from tests.experiment.small_run import configured, made_set, silent
from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import photograph_files
from workbench.domain.config import RunConfig
from workbench.errors import ConfigError, DataError
from workbench.experiment.data import require_disjoint_data, without_leaked_photographs

COFFEE, ROCKET, CAT = (
    read_image(photograph_files("packaged")[name]) for name in ("coffee", "rocket", "chelsea")
)


def clean_photographs(name, *photographs):
    """Return data of clean photographs, the first image of each worthless noise at level 3."""
    made = made_set(len(photographs), types=("white_noise",), name=name)
    images = list(made.images)
    for row, (photograph, kind) in enumerate(zip(made.photograph, made.distortion, strict=True)):
        if not kind:
            images[row] = photographs[int(photograph.split()[-1])]
    return replace(made, images=images)


def test_a_picture_that_was_tuned_on_is_left_out_under_any_name_and_size():
    tuned = clean_photographs("mine", COFFEE, ROCKET)
    other = clean_photographs("other", CAT, COFFEE[40:340, 150:550], ROCKET[:, ::-1])
    left = without_leaked_photographs(other, tuned, silent)
    assert set(left.photograph) == {"photograph 0"}
    assert left.dataset == "other, without 2 photographs that the run was tuned on"
    assert len(left) == len(other) / 3
    assert left.hash != other.hash


def test_data_that_were_never_seen_stay_as_they_are():
    other = clean_photographs("other", CAT, ROCKET)
    assert without_leaked_photographs(other, clean_photographs("mine", COFFEE), silent) is other


def test_data_of_nothing_but_seen_pictures_are_refused():
    other, tuned = clean_photographs("other", COFFEE), clean_photographs("mine", CAT, COFFEE)
    with pytest.raises(DataError) as refused:
        without_leaked_photographs(other, tuned, silent)
    assert str(refused.value) == (
        "Every photograph of other shows a picture that the run was tuned on, so nothing in it is "
        "new to the model. Name other data."
    )


OWN = {"photographs": "pictures", "distortions": ("gaussian_blur",)}
TABLE = {"dataset": "table", "root": "scores", "distortions": ("gaussian_blur",)}


@pytest.mark.parametrize(
    ("data", "other"),
    [
        (OWN, {**OWN, "distortions": ("white_noise",), "seed": 4}),
        (OWN, {**OWN, "photographs": "./pictures/"}),
        (TABLE, {**TABLE, "distortions": ()}),
        (TABLE, {**TABLE, "root": "./scores"}),
    ],
    ids=["photographs", "same folder", "dataset", "same root"],
)
def test_the_photographs_of_the_run_are_refused(data, other):
    elsewhere = {"dataset": "table", "root": "elsewhere"}
    config = configured().model_dump() | {"data": data, "transfer": [elsewhere, other]}
    with pytest.raises(ConfigError, match=r"^transfer\.1 takes the photographs that data is tuned"):
        require_disjoint_data(RunConfig.model_validate(config))
