import os
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.evaluation.comparison_factory import make_attributes, make_run
from workbench.errors import CheckpointMismatchError, RunError
from workbench.settings import read_settings
from workbench.training.refit_inputs import (
    HeldOutPredictions,
    load_refit_inputs,
    refit_inputs_file,
    save_refit_inputs,
)

RUN = make_run(3, photographs=4)
STORED = RUN.result.predictions
IMAGES = len(STORED.image)


@pytest.fixture
def settings(tmp_path):
    return read_settings().model_copy(update={"home": tmp_path})


@pytest.fixture
def predictions():
    generator = np.random.default_rng(0)
    return HeldOutPredictions(
        strengths=np.zeros((IMAGES, 4), np.float32),
        truth=np.zeros((IMAGES, 4), np.float32),
        quality=np.array(STORED.predicted),
        inputs=generator.random((2, IMAGES, 2, 12), dtype=np.float32),
        fold_of=np.arange(IMAGES) % 2,
    )


def save(settings, predictions, run=RUN, **changes):
    facts = {
        "version": run.version,
        "config_hash": run.config.hash,
        "attributes": make_attributes("draft"),
        "target": np.array(STORED.target),
        "photographs": STORED.photograph,
    }
    file = refit_inputs_file(settings, run.version, run.config.hash)
    save_refit_inputs(file, predictions, **{**facts, **changes})
    return file


def test_what_was_saved_comes_back_bit_for_bit(settings, predictions):
    file = save(settings, predictions)
    loaded = load_refit_inputs(settings, RUN)
    assert (loaded.inputs == predictions.inputs).all()
    assert loaded.inputs.dtype == np.float32
    assert (loaded.fold_of == predictions.fold_of).all()
    assert loaded.target.tolist() == list(STORED.target)
    assert loaded.attributes[0] == ("darken", "draft darken trace 0")
    assert len(loaded.attributes) == 12
    same = loaded.photograph[:, None] == loaded.photograph
    names = np.array(STORED.photograph)
    assert (same == (names[:, None] == names)).all()
    assert list(file.parent.iterdir()) == [file]


def test_what_an_earlier_run_left_are_the_probabilities_of_one_view(settings, predictions):
    file = save(settings, predictions)
    with safe_open(file, framework="numpy") as opened:
        facts = opened.metadata()
    arrays = load_file(file)
    probabilities = np.ascontiguousarray(arrays.pop("inputs")[:, :, 0])
    facts["format"] = "attribute-probabilities/1"
    save_file(arrays | {"probabilities": probabilities}, file, facts)
    loaded = load_refit_inputs(settings, RUN)
    assert loaded.inputs.shape == (2, IMAGES, 1, 12)
    assert (loaded.inputs[:, :, 0] == probabilities).all()


def test_a_run_without_a_file_is_told_how_to_get_one(settings):
    with pytest.raises(RunError, match=r"Run 3 has no inputs for refits in .*--again"):
        load_refit_inputs(settings, RUN)


@pytest.mark.parametrize("length", [0, 5, 500, 0.5, 0.999])
def test_a_file_cut_short_anywhere_is_refused(settings, predictions, length):
    file = save(settings, predictions)
    content = file.read_bytes()
    file.write_bytes(content[: length if isinstance(length, int) else int(length * len(content))])
    with pytest.raises(RunError, match=r"safetensors is damaged .*--again"):
        load_refit_inputs(settings, RUN)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "f" * 64}, "another run: its version is ffff"),
        ({"config_hash": "e" * 64}, "another run: its config is eeee"),
        ({"target": np.zeros(IMAGES)}, "not of run 3, whose target quality differs"),
    ],
)
def test_a_file_of_another_run_is_refused(settings, predictions, changes, words):
    save(settings, predictions, **changes)
    with pytest.raises(CheckpointMismatchError, match=f"{words}.*--again"):
        load_refit_inputs(settings, RUN)


def test_a_file_of_an_earlier_run_with_other_predictions_is_refused(settings, predictions):
    save(settings, replace(predictions, quality=predictions.quality + 1e-12))
    with pytest.raises(CheckpointMismatchError, match="whose predicted quality differs"):
        load_refit_inputs(settings, RUN)


def test_a_write_that_fails_leaves_the_old_file_and_says_so(settings, predictions):
    file = save(settings, predictions)
    before = file.read_bytes()
    file.with_name(f".partial-{os.getpid()}-{file.name}").mkdir()  # in the way of the new one
    with pytest.raises(RunError, match=r"cannot be written to .*Free some space"):
        save(settings, replace(predictions, fold_of=predictions.fold_of * 0))
    assert file.read_bytes() == before
