"""A run as seen on its locked photographs."""

from workbench.domain.run import Protocol, Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.guard import hash_of_test_part


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
    """Return a finished run as seen on one of its two test parts.

    Args:
        run: The run.
        test_hash: The folds' or the locked one's.

    Raises:
        ConfigError: The run has no such test part.
    """
    for seen in (run, on_locked(run)) if run.result and run.result.locked else (run,):
        result = seen.result
        if result and hash_of_test_part(result.protocol, result.predictions) == test_hash:
            return seen
    raise ConfigError(f"Run {run.id} was not tested on the part {test_hash[:8]}….")


def _protocol(result: RunResult) -> Protocol:
    images = result.locked.predictions if result.locked else result.predictions
    return result.protocol.model_copy(
        update={
            "split": f"locked photographs, tuned once on all others ({result.protocol.split})",
            "images": len(images.image),
            "photographs": len(set(images.photograph)),
        }
    )
