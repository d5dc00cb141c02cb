import os
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.comparison_factory import make_attributes, make_run
from workbench.errors import CheckpointMismatchError, RunError
from workbench.settings import read_settings
from workbench.training.probabilities import (
    HeldOutPredictions,
    load_probabilities,
    probabilities_file,
    save_probabilities,
)

RUN = make_run(3, photographs=4)
TOLD = RUN.result.predictions
IMAGES = len(TOLD.image)


@pytest.fixture
def settings(tmp_path):
    return read_settings().model_copy(update={"home": tmp_path})


@pytest.fixture
def found():
    generator = np.random.default_rng(0)
    return HeldOutPredictions(
        strengths=np.zeros((IMAGES, 4), np.float32),
        truth=np.zeros((IMAGES, 4), np.float32),
        quality=np.array(TOLD.predicted),
        probabilities=generator.random((2, IMAGES, 12), dtype=np.float32),
        fold_of=np.arange(IMAGES) % 2,
    )


def save(settings, found, run=RUN, **changes):
    facts = {
        "version": run.version,
        "config_hash": run.config.hash,
        "attributes": make_attributes("draft"),
        "target": np.array(TOLD.target),
        "photographs": TOLD.photograph,
    }
    file = probabilities_file(settings, run.version, run.config.hash)
    save_probabilities(file, found, **{**facts, **changes})
    return file


def test_what_was_saved_comes_back_bit_for_bit(settings, found):
    file = save(settings, found)
    kept = load_probabilities(settings, RUN)
    assert (kept.probabilities == found.probabilities).all()
    assert kept.probabilities.dtype == np.float32
    assert (kept.fold_of == found.fold_of).all()
    assert kept.target.tolist() == list(TOLD.target)
    assert kept.attributes[0] == ("darken", "draft darken trace 0")
    assert len(kept.attributes) == 12
    same = kept.photograph[:, None] == kept.photograph
    names = np.array(TOLD.photograph)
    assert (same == (names[:, None] == names)).all()
    assert list(file.parent.iterdir()) == [file]


def test_a_run_without_a_file_is_told_how_to_get_one(settings):
    with pytest.raises(RunError, match=r"Run 3 has no attribute probabilities in .*--again"):
        load_probabilities(settings, RUN)


@pytest.mark.parametrize("kept", [0, 5, 500, 0.5, 0.999])
def test_a_file_cut_short_anywhere_is_refused(settings, found, kept):
    file = save(settings, found)
    whole = file.read_bytes()
    file.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(RunError, match=r"safetensors is damaged .*--again"):
        load_probabilities(settings, RUN)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "f" * 64}, "another run: its version is ffff"),
        ({"config_hash": "e" * 64}, "another run: its config is eeee"),
        ({"target": np.zeros(IMAGES)}, "not of run 3, whose target quality differs"),
    ],
)
def test_a_file_of_another_run_is_refused(settings, found, changes, words):
    save(settings, found, **changes)
    with pytest.raises(CheckpointMismatchError, match=f"{words}.*--again"):
        load_probabilities(settings, RUN)


def test_a_file_of_an_earlier_run_with_other_predictions_is_refused(settings, found):
    save(settings, replace(found, quality=found.quality + 1e-12))
    with pytest.raises(CheckpointMismatchError, match="whose predicted quality differs"):
        load_probabilities(settings, RUN)


def test_a_write_that_fails_leaves_the_old_file_and_says_so(settings, found):
    file = save(settings, found)
    before = file.read_bytes()
    file.with_name(f".partial-{os.getpid()}-{file.name}").mkdir()  # in the way of the new one
    with pytest.raises(RunError, match=r"cannot be written to .*Make room"):
        save(settings, replace(found, fold_of=found.fold_of * 0))
    assert file.read_bytes() == before
