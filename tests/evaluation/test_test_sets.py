from pathlib import Path

import pytest
import yaml

from workbench.domain.config import STORED, RunConfig, SplitConfig
from workbench.domain.metrics import Undefined
from workbench.domain.run import LockedPart, Transfer
from workbench.errors import ConfigError
from workbench.evaluation.comparable import ComparedRuns, hash_of_test_set
from workbench.evaluation.paired_comparison import compare_runs
from workbench.evaluation.test_set_access import on_locked, on_test_set

from .comparison_factory import make_run, with_result

ROOT = Path(__file__).parents[2]


def with_locked(run):
    """Return the run with a locked part: three photographs of another make."""
    other = make_run(99, word="draft", photographs=3, seed=run.id + 50).result
    names = tuple(f"locked-{name}" for name in other.predictions.photograph)
    images = tuple(f"locked-{name}" for name in other.predictions.image)
    predictions = other.predictions.model_copy(update={"photograph": names, "image": images})
    part = LockedPart(
        quality=other.quality, identification=other.identification, all_clean=other.all_clean,
        predictions=predictions,
    )  # fmt: skip
    return with_result(run, locked=part)


RUNS = [with_locked(make_run(1)), with_locked(make_run(2, word="curated", seed=4))]


def test_a_run_on_its_locked_part_shows_nothing_of_the_folds():
    seen = on_locked(RUNS[0]).result
    part = RUNS[0].result.locked
    assert (seen.quality, seen.predictions) == (part.quality, part.predictions)
    assert (seen.protocol.photographs, seen.protocol.images) == (3, 63)
    assert seen.protocol.split.startswith("locked photographs, tuned once on all others (")
    assert seen.baselines == {}


def test_the_locked_part_is_a_test_on_test_set_its_own():
    comparison = compare_runs(
        ComparedRuns.of([on_locked(run) for run in RUNS], ["a", "b"]), resamples=300
    )
    assert (
        comparison.test_hash
        != compare_runs(ComparedRuns.of(RUNS, ["a", "b"]), resamples=300).test_hash
    )
    for run in RUNS:
        assert on_test_set(run, comparison.test_hash) == on_locked(run)
    folds = hash_of_test_set(RUNS[0].result.protocol, RUNS[0].result.predictions)
    assert on_test_set(RUNS[0], folds) == RUNS[0]
    with pytest.raises(ConfigError, match=r"Run 1 was not tested on the part ffffffff…"):
        on_test_set(RUNS[0], "f" * 64)


def test_a_run_without_locked_part_says_how_to_get_one():
    with pytest.raises(ConfigError, match=r"Run 3 has no locked part. Set split.locked"):
        on_locked(make_run(3))


def test_configurations_of_before_keep_their_hash():
    """The hashes are those of the program before there was a locked part."""
    one = RunConfig.model_validate(
        {"data": {"distortions": ["jpeg"]}, "regressor": {}}, context=STORED
    )
    assert one.hash == "c894604b9843e83c30a237665423ad9d82df42d2c3c72de3f6efa029bfd54bff"
    raw = yaml.safe_load((ROOT / "experiments/demo.yaml").read_text())
    demo = RunConfig.model_validate(raw, context=STORED)
    assert demo.hash == "2f5056cead0043a59fc99e7384f5e49c2461fe5ac00adb6c929bb304748e1245"
    locking = one.model_copy(update={"split": SplitConfig(locked=0.2)})
    assert locking.hash != one.hash
    assert RunConfig.model_validate_json(locking.model_dump_json(), context=STORED) == locking


def test_other_data_that_a_run_was_tried_on_is_a_test_on_test_set_it():
    elsewhere = make_run(99, photographs=3, seed=7).result
    moved = elsewhere.predictions.model_copy(
        update={"image": tuple(f"elsewhere-{name}" for name in elsewhere.predictions.image)}
    )
    other = Transfer(
        protocol=elsewhere.protocol, identification=None, all_clean=None, frozen=elsewhere.quality,
        zero_shot=elsewhere.quality, predictions=moved,
    )  # fmt: skip
    run = with_result(make_run(1), transfers=(other,))
    seen = on_test_set(run, hash_of_test_set(other.protocol, other.predictions)).result
    assert (seen.quality, seen.predictions) == (other.frozen, other.predictions)
    assert seen.identification.accuracy == Undefined(undefined="no shared distortion")
