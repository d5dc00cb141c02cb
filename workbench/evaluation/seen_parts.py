"""A run as seen on each part that it was tested on: its folds, locked photographs, other data."""

from collections.abc import Iterator

from workbench.domain.metrics import IdentificationMetrics, Undefined
from workbench.domain.run import Protocol, Run, RunResult, Transfer
from workbench.errors import ConfigError
from workbench.evaluation.guard import hash_of_test_part

_NONE_IN_COMMON = IdentificationMetrics(
    **dict.fromkeys(IdentificationMetrics.model_fields, Undefined(undefined="no shared distortion"))
)


def on_locked(run: Run) -> Run:
    """Return a finished run whose figures and predictions are those of the locked photographs.

    Args:
        run: A run with `split.locked` above 0; one that is not done comes back as it is.

    Raises:
        ConfigError: The run has no locked part.
    """
    if run.result is None:
        return run
    if run.result.locked is None:
        raise ConfigError(
            f"Run {run.id} has no locked part. Set split.locked in the experiment (0.2 locks a "
            "fifth of the photographs) and run the version again."
        )
    part = run.result.locked
    return run.model_copy(
        update={
            "result": run.result.model_copy(
                update={
                    "protocol": _protocol(run.result),
                    "quality": part.quality,
                    "identification": part.identification,
                    "all_clean": part.all_clean,
                    "predictions": part.predictions,
                    "baselines": {},  # they were taken on the folds
                    "strength_tables": None,
                }
            )
        }
    )


def part_of(run: Run, test_hash: str) -> Run:
    """Return a finished run as seen on one of its test parts.

    Args:
        run: The run.
        test_hash: The folds', the locked one's, or that of other data it was tried on.

    Raises:
        ConfigError: The run has no such test part.
    """
    for seen in _parts(run):
        result = seen.result
        if result and hash_of_test_part(result.protocol, result.predictions) == test_hash:
            return seen
    raise ConfigError(f"Run {run.id} was not tested on the part {test_hash[:8]}….")


def _parts(run: Run) -> Iterator[Run]:
    if run.result is None:
        return
    yield run
    if run.result.locked:
        yield on_locked(run)
    for other in run.result.transfers:
        yield run.model_copy(update={"result": _on_other(run.result, other)})


def _on_other(result: RunResult, other: Transfer) -> RunResult:
    """Return a result on other data, with the features frozen and the regressor trained there."""
    return result.model_copy(
        update={
            "protocol": other.protocol,
            "quality": other.frozen,
            "identification": other.identification or _NONE_IN_COMMON,
            "all_clean": other.all_clean or _NONE_IN_COMMON,
            "predictions": other.predictions,
            "baselines": other.baselines,
            "strength_tables": None,
        }
    )


def _protocol(result: RunResult) -> Protocol:
    images = result.locked.predictions if result.locked else result.predictions
    return result.protocol.model_copy(
        update={
            "split": f"locked photographs, tuned once on all others ({result.protocol.split})",
            "images": len(images.image),
            "photographs": len(set(images.photograph)),
        }
    )
