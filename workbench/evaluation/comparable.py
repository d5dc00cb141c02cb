"""Refuse to set side by side what does not belong together, and say every reason at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench.domain.canonical import Frozen
from workbench.domain.run import EncoderFacts, Predictions, Protocol, Run, RunResult
from workbench.errors import ConfigError


@dataclass(frozen=True)
class ComparedRuns:
    """Finished runs under one protocol and encoder, validated once: made by `of`, then handed on.

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
        return cls(tuple(runs), tuple(labels), finished_results(runs, labels))

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


def finished_results(runs: Sequence[Run], labels: Sequence[str]) -> tuple[RunResult, ...]:
    """Return the results of runs that may be compared.

    Args:
        runs: One or more runs.
        labels: What people call each, distinct, as many as runs.

    Raises:
        ConfigError: there is no run, a label is missing or doubled, a run is not done, or two
            protocols or encoders differ; each differing field is named with both values.
    """
    if not runs:
        raise ConfigError("There is nothing to compare: name at least one finished run.")
    if len(labels) != len(runs):
        raise ConfigError(f"{len(runs)} runs need as many labels, not {len(labels)}.")
    if len(set(labels)) != len(labels):
        raise ConfigError(f"Labels must be distinct, not {', '.join(labels)}.")
    results = tuple(_result(run) for run in runs)
    for run, result in zip(runs[1:], results[1:], strict=True):
        _require_same(runs[0], results[0].protocol, run, result.protocol, "protocol")
        _require_same(runs[0], _without_note(results[0]), run, _without_note(result), "encoder")
    return results


def stands_under(protocol: Protocol, dataset: str, terms: str) -> bool:
    """Return whether a protocol's words hold what is asked for, in capitals or not.

    Args:
        protocol: Of a result.
        dataset: Words of its data set; "" for any.
        terms: Words of its split, target or crops; "" for any.

    Example:
        >>> held = Protocol(dataset="KADID-10k", data_hash="", target="MOS", distortions=(),
        ...     split="5 folds by photograph", crop="grid", images=1, photographs=1)
        >>> stands_under(held, "kadid", "5 folds"), stands_under(held, "tid2013", "")
        (True, False)
    """
    said = f"{protocol.split}; {protocol.target}; {protocol.crop}"
    return dataset.casefold() in protocol.dataset.casefold() and terms.casefold() in said.casefold()


def aligned_predictions(
    runs: Sequence[Run], results: Sequence[RunResult]
) -> tuple[Predictions, ...]:
    """Return every run's predictions in the first run's order of images.

    Args:
        runs: The runs, for their numbers.
        results: Their results.

    Raises:
        ConfigError: an image is listed twice, the lists differ, or an image differs in photograph
            or target.
    """
    first = results[0].predictions
    aligned = []
    for run, result in zip(runs, results, strict=True):
        place = _places(run, result.predictions)
        _require_same_images(runs[0], first, run, place)
        order = [place[image] for image in first.image]
        columns = {name: tuple(column[i] for i in order) for name, column in result.predictions}
        moved = Predictions(**columns)
        for field in ("photograph", "target"):
            _require_same_column(runs[0], first, run, moved, field)
        aligned.append(moved)
    return tuple(aligned)


def _result(run: Run) -> RunResult:
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


def _without_note(result: RunResult) -> EncoderFacts:
    return result.encoder.model_copy(update={"note": ""})


def _require_same(a: Run, one: Frozen, b: Run, other: Frozen, what: str) -> None:
    differences = [
        f"{field} is {_value(value)} and {_value(getattr(other, field))}"
        for field, value in one
        if value != getattr(other, field)
    ]
    if differences:
        raise ConfigError(
            f"Runs {a.id} and {b.id} stand under different {what}s and cannot be ranked together: "
            f"{'; '.join(differences)}. Run both versions under one configuration."
        )


def _require_same_images(a: Run, first: Predictions, b: Run, place: dict[str, int]) -> None:
    missing = [image for image in first.image if image not in place]
    extra = sorted(set(place) - set(first.image))
    if missing or extra:
        named = missing[:1] or extra[:1]
        raise ConfigError(
            f"Runs {a.id} and {b.id} were tested on different images: {len(missing)} only in run "
            f"{a.id}, {len(extra)} only in run {b.id}, '{named[0]}' among them. "
            "Run both versions on one data set."
        )


def _require_same_column(
    a: Run, first: Predictions, b: Run, moved: Predictions, field: str
) -> None:
    columns = zip(first.image, getattr(first, field), getattr(moved, field), strict=True)
    for image, one, other in columns:
        if one != other:
            raise ConfigError(
                f"Runs {a.id} and {b.id} disagree on the {field} of '{image}': {_value(one)} and "
                f"{_value(other)}. Run both versions on one data set."
            )


def _places(run: Run, predictions: Predictions) -> dict[str, int]:
    place = {image: i for i, image in enumerate(predictions.image)}
    if len(place) != len(predictions.image):
        doubled = len(predictions.image) - len(place)
        raise ConfigError(f"Run {run.id} lists {doubled} images twice; run its version again.")
    if not place:
        raise ConfigError(f"Run {run.id} holds no predictions; run its version again.")
    return place


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return f"'{value}'" if isinstance(value, str) else str(value)
