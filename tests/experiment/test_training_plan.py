"""Trainings are kept as they end, recalled, and handed on to a later version."""

import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
import torch

from tests.experiment.small_run import ATTRIBUTES, configured, made_set, planned, silent
from tests.processes import started
from workbench.domain.attributes import AttributeSet
from workbench.errors import CheckpointMismatchError, ConfigError, RunCancelledError, RunError
from workbench.experiment.training_plan import finished_folder, resumable_trainings

DATA, NONE = made_set(), np.array([], dtype=np.intp)
TRAIN = np.arange(20)


def tuned(
    plan, *, name="split-0", data=DATA, train=TRAIN, validation=NONE, progress=silent, seed=0
):
    return plan.tune(name, data, train, validation, progress, seed=seed)


def refused(share, text):
    raise AssertionError("it was trained again")


def test_a_training_that_has_ended_is_recalled_and_trains_nothing(tmp_path):
    first = tuned(planned(tmp_path / "kept")).state()
    again = tuned(planned(tmp_path / "kept"), progress=refused).state()
    assert all(torch.equal(first[name], values) for name, values in again.items())
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["split-0.safetensors"]


def test_a_broken_training_goes_on_from_its_own_checkpoint(tmp_path):
    config = configured(tuning={"epochs": 3})
    expected = tuned(planned(tmp_path / "whole", config=config)).state()

    def cancel(share, text):
        if "epoch 3" in text:
            raise RunCancelledError("Cancelled.")

    with pytest.raises(RunCancelledError):
        tuned(planned(tmp_path / "kept", config=config), progress=cancel)
    assert [f.name for f in (tmp_path / "kept").iterdir()] == ["split-0.training.safetensors"]
    texts = []
    plan = planned(tmp_path / "kept", config=config)
    resumed = tuned(plan, progress=lambda share, text: texts.append(text)).state()
    assert set(texts) == {"tuning, epoch 3 of 3"}
    assert all(torch.equal(expected[name], values) for name, values in resumed.items())


def test_a_broken_training_on_other_pixels_is_not_resumed(tmp_path):
    plan = planned(tmp_path / "kept", config=configured(tuning={"epochs": 2}))

    def cancel(share, text):
        if "epoch 2" in text:
            raise RunCancelledError("Cancelled.")

    with pytest.raises(RunCancelledError):
        tuned(plan, progress=cancel)
    with pytest.raises(CheckpointMismatchError, match="another set of images: hash of mine, "):
        tuned(plan, data=made_set(name="theirs", seed=1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": made_set(name="theirs")}, "set of images: hash of mine, expected hash of theirs"),
        ({"train": TRAIN[1:]}, "split: "),
        ({"seed": 3}, "seed: 0, expected 3"),
    ],
    ids=["images", "rows", "seed"],
)
def test_what_is_kept_of_something_else_is_refused(tmp_path, changes, words):
    plan = planned(tmp_path / "kept")
    tuned(plan)
    with pytest.raises(CheckpointMismatchError, match=f"trained with another {words}.*--again"):
        tuned(plan, **changes)


def test_a_version_starts_from_its_parents_training_of_the_same_split(tmp_path):
    tuned(planned(tmp_path / "parent"))
    still = configured(tuning={"learning_rate": 1e-12, "weight_decay": 0.0})
    reworded = AttributeSet.from_phrases({**ATTRIBUTES.phrases(), "white_noise": ["grit"]})
    child = planned(
        tmp_path / "child", config=still, parent=tmp_path / "parent", attributes=reworded
    )
    prompts = tuned(planned(tmp_path / "parent"), progress=refused).state()["prompts"]
    assert torch.allclose(tuned(child).state()["prompts"], prompts, atol=1e-7)
    fresh = tuned(planned(tmp_path / "fresh", config=still)).state()["prompts"]
    assert not torch.allclose(fresh, prompts, atol=1e-4)


def test_a_parent_without_the_training_is_named(tmp_path):
    child = planned(tmp_path / "child", parent=tmp_path / "nowhere")
    with pytest.raises(
        ConfigError, match=r"left no split-0\.safetensors in .*nowhere\. Run the par"
    ):
        tuned(child)


def test_a_parent_that_saw_other_rows_is_refused(tmp_path):
    tuned(planned(tmp_path / "parent"), train=TRAIN[5:])
    with pytest.raises(CheckpointMismatchError, match="trained with another split"):
        tuned(planned(tmp_path / "child", parent=tmp_path / "parent"))


def broken_off(settings):
    """Leave what a run that failed has trained, and return the folder."""
    with suppress(KeyError), resumable_trainings(settings, "key", afresh=False) as folder:
        (folder / "split-0.safetensors").write_text("first")
        raise KeyError
    return folder


def test_trainings_move_when_the_run_ends_and_stay_when_it_fails(settings):
    folder = broken_off(settings)
    assert not finished_folder(settings, "key").exists()
    with resumable_trainings(settings, "key", afresh=False) as again:
        assert (again / "split-0.safetensors").read_text() == "first"
    assert not folder.exists()
    finished = finished_folder(settings, "key")
    assert [file.name for file in finished.iterdir()] == ["split-0.safetensors"]
    with resumable_trainings(settings, "key", afresh=False) as later:
        (later / "whole.safetensors").write_text("second")
    assert [file.name for file in finished.iterdir()] == ["whole.safetensors"]


def test_a_run_afresh_forgets_what_was_left(settings):
    broken_off(settings)
    with resumable_trainings(settings, "key", afresh=True) as folder:
        assert list(folder.iterdir()) == []


HOLDING = """
from pathlib import Path
from workbench.settings import read_settings
from workbench.experiment.training_plan import resumable_trainings

settings = read_settings().model_copy(update={{"home": Path({home!r})}})
with resumable_trainings(settings, "key", afresh=False):
    print("held", flush=True)
    input()
"""


@pytest.mark.process
def test_a_second_process_is_refused_while_the_first_trains(settings):
    script = HOLDING.format(home=str(settings.home))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with started(sys.executable, "-c", script, **pipes, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(RunError, match=r"under the same configuration by another process\. Wai"),
            resumable_trainings(settings, "key", afresh=True),
        ):
            raise AssertionError("it was let in")
        with resumable_trainings(settings, "another", afresh=False):
            other.communicate("\n")
    assert other.returncode == 0
    with resumable_trainings(settings, "key", afresh=False):
        pass


def test_a_folder_that_cannot_be_written_says_so(settings):
    settings.results.parent.mkdir(parents=True, exist_ok=True)
    settings.results.write_text("in the way")
    with (
        pytest.raises(RunError, match=r"The run's trainings cannot be saved in .*Free some"),
        resumable_trainings(settings, "key", afresh=False),
    ):
        raise AssertionError("it was let in")


def test_a_process_that_was_taken_for_dead_loses_its_trainings(settings):
    def attempt():
        return resumable_trainings(settings, "key", afresh=False, owner="one store")

    first = attempt()
    folder = first.__enter__()
    (folder / "split-0.safetensors").write_text("trained")
    with attempt() as taken:  # while the other still holds it
        assert (taken / "split-0.safetensors").read_text() == "trained"
        with pytest.raises(OSError, match="No such file"):
            (folder / "split-1.safetensors").write_text("late")
        with pytest.raises(RunError, match="cannot be saved"):
            first.__exit__(None, None, None)
    finished = finished_folder(settings, "key")
    assert [file.name for file in finished.iterdir()] == ["split-0.safetensors"]


def test_another_owners_trainings_are_not_taken(settings):
    with (
        resumable_trainings(settings, "key", afresh=False, owner="one store"),
        pytest.raises(RunError, match="by another process"),
        resumable_trainings(settings, "key", afresh=False, owner="another"),
    ):
        pass
