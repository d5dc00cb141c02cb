"""Runs that may be compared: validated once, with every reason against it, then handed on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from numpy import float32
from numpy.typing import NDArray

from workbench.domain.canonical import Frozen, content_hash
from workbench.domain.metrics import Undefined
from workbench.domain.run import EncoderFacts, Predictions, Protocol, Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.identification import unpacked


@dataclass(frozen=True)
class Strengths:
    """Strengths of N images; both (N, D), in [0, 1], of D distortions with so many levels each."""

    true: NDArray[float32]
    predicted: NDArray[float32]
    distortions: tuple[str, ...]
    levels: tuple[int, ...]


@dataclass(frozen=True)
class ComparedRuns:
    """Finished runs under one protocol and encoder; made by `of`, which validates them.

    Attributes:
        runs: At least one.
        labels: What people call each, distinct.
        results: Of each run.
    """

    runs: tuple[Run, ...]
    labels: tuple[str, ...]
    results: tuple[RunResult, ...]

    @classmethod
    def of(cls, runs: Sequence[Run], labels: Sequence[str]) -> "ComparedRuns":
        """Return the runs as one value.

        Raises:
            ConfigError: There is no run, a label is missing or doubled, a run is not done, or two
                protocols or encoders differ; each differing field is named with both values.
        """
        if not runs:
            raise ConfigError("There is nothing to compare: name at least one finished run.")
        if len(labels) != len(runs):
            raise ConfigError(f"{len(runs)} runs need as many labels, not {len(labels)}.")
        if len(set(labels)) != len(labels):
            raise ConfigError(f"Labels must be distinct, not {', '.join(labels)}.")
        results = tuple(finished_result(run) for run in runs)
        for run, result in zip(runs[1:], results[1:], strict=True):
            _require_same(runs[0], results[0].protocol, run, result.protocol, "protocol")
            _require_same(runs[0], _without_note(results[0]), run, _without_note(result), "encoder")
        return cls(tuple(runs), tuple(labels), results)

    def items(self) -> Iterator[tuple[Run, str, RunResult]]:
        """Yield every run with its label and its result."""
        return zip(self.runs, self.labels, self.results, strict=True)

    def singles(self) -> Iterator["ComparedRuns"]:
        """Yield every run by itself."""
        for run, label, result in self.items():
            yield ComparedRuns((run,), (label,), (result,))

    @property
    def protocol(self) -> Protocol:
        """The protocol that all stand under."""
        return self.results[0].protocol

    @property
    def encoder(self) -> EncoderFacts:
        """The encoder that all share."""
        return self.results[0].encoder

    @cached_property
    def predictions(self) -> tuple[Predictions, ...]:
        """The predictions of each run, in the first run's order of images.

        Raises:
            ConfigError: An image is listed twice, the lists differ, or an image differs in
                photograph or target.
        """
        return aligned_predictions(self.runs, self.results)

    @cached_property
    def strengths(self) -> tuple[Strengths, ...] | Undefined:
        """The held-out strengths of each run, in the first run's order of images.

        Undefined, with the reason, where a run kept none. Raises what `predictions` does.
        """
        images, held_out = self.predictions[0].image, []
        for run, label, result in self.items():
            own = result.strengths
            if own is None:
                return Undefined(
                    undefined=f"the run of {label} was made before strengths were kept; run the "
                    "version again with --again"
                )
            rows = _rows_by_image(run, result.predictions)
            order = [rows[image] for image in images]
            true, predicted = (
                unpacked(text, types=len(own.levels))[order] for text in (own.true, own.predicted)
            )
            held_out.append(Strengths(true, predicted, own.distortions, own.levels))
        return tuple(held_out)

    @cached_property
    def test_hash(self) -> str:
        """The name of the test set that all were judged on."""
        return hash_of_test_set(self.protocol, self.results[0].predictions)


def finished_result(run: Run) -> RunResult:
    """Return the result of a run.

    Raises:
        ConfigError: The run is not done; the message says what to do about it.
    """
    if run.status == "done" and run.result is not None:
        return run.result
    states = {
        "queued": "is still queued: start a worker, wait until it is done, then compare",
        "running": "is still running: wait until it is done, then compare",
        "failed": f"failed ({run.error or 'no reason recorded'}): run its version again",
        "cancelled": "was cancelled: resume it or run its version again",
        "interrupted": "was interrupted: resume it, then compare",
        "done": "is done but has no result: run its version again",
    }
    raise ConfigError(f"Run {run.id} {states[run.status]}.")


def hash_of_test_set(protocol: Protocol, predictions: Predictions) -> str:
    """Return the name of a test set: SHA-256 over the data and which images of it are held out.

    How the other images are divided and the seeds of training are no part of it: another seed on
    the same images is another access to the same test set.
    """
    return content_hash(
        {"format": "test-part/1", "data": protocol.data_hash, "images": sorted(predictions.image)}
    )


def aligned_predictions(
    runs: Sequence[Run], results: Sequence[RunResult]
) -> tuple[Predictions, ...]:
    """Return every run's predictions in the first run's order of images.

    Raises:
        ConfigError: An image is listed twice, the lists differ, or an image differs in photograph
            or target.
    """
    first = results[0].predictions
    aligned = []
    for run, result in zip(runs, results, strict=True):
        rows = _rows_by_image(run, result.predictions)
        _require_same_images(runs[0], first, run, rows)
        order = [rows[image] for image in first.image]
        columns = {name: tuple(column[i] for i in order) for name, column in result.predictions}
        predictions = Predictions(**columns)
        for field in ("photograph", "target"):
            _require_same_column(runs[0], first, run, predictions, field)
        aligned.append(predictions)
    return tuple(aligned)


def _without_note(result: RunResult) -> EncoderFacts:
    return result.encoder.model_copy(update={"note": ""})


def _require_same(a: Run, facts: Frozen, b: Run, other: Frozen, what: str) -> None:
    differences = [
        f"{field} is {_text(value)} and {_text(getattr(other, field))}"
        for field, value in facts
        if value != getattr(other, field)
    ]
    if differences:
        raise ConfigError(
            f"Runs {a.id} and {b.id} stand under different {what}s and cannot be ranked together: "
            f"{'; '.join(differences)}. Run both versions under one configuration."
        )


def _rows_by_image(run: Run, predictions: Predictions) -> dict[str, int]:
    rows = {image: row for row, image in enumerate(predictions.image)}
    if len(rows) != len(predictions.image):
        doubled = len(predictions.image) - len(rows)
        raise ConfigError(f"Run {run.id} lists {doubled} images twice; run its version again.")
    if not rows:
        raise ConfigError(f"Run {run.id} has no predictions; run its version again.")
    return rows


def _require_same_images(a: Run, first: Predictions, b: Run, rows: dict[str, int]) -> None:
    missing = [image for image in first.image if image not in rows]
    extra = sorted(set(rows) - set(first.image))
    if missing or extra:
        example = (missing or extra)[0]
        raise ConfigError(
            f"Runs {a.id} and {b.id} were tested on different images: {len(missing)} only in run "
            f"{a.id}, {len(extra)} only in run {b.id}, '{example}' among them. "
            "Run both versions on one data set."
        )


def _require_same_column(
    a: Run, first: Predictions, b: Run, second: Predictions, field: str
) -> None:
    columns = zip(first.image, getattr(first, field), getattr(second, field), strict=True)
    for image, value, other in columns:
        if value != other:
            raise ConfigError(
                f"Runs {a.id} and {b.id} disagree on the {field} of '{image}': {_text(value)} and "
                f"{_text(other)}. Run both versions on one data set."
            )


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return f"'{value}'" if isinstance(value, str) else str(value)
