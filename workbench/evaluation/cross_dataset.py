"""Trained on one set of images, tested on others: the figures of several runs in one matrix."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.domain.comparison import QuotedRow
from workbench.domain.config import TuningConfig
from workbench.domain.metrics import IdentificationMetrics, QualityMetrics, Undefined
from workbench.domain.run import Protocol, Run, RunResult, Transfer
from workbench.domain.transfer_matrix import (
    MatrixCell,
    PublishedPair,
    TestedOn,
    TrainedOn,
    TransferMatrix,
)
from workbench.errors import ConfigError
from workbench.evaluation.comparable import finished_results

_HASH_DIGITS = 8


@dataclass(frozen=True)
class _Tested:
    """What a run says of one set of images."""

    protocol: Protocol
    held_out: bool
    identification: IdentificationMetrics | None
    all_clean: IdentificationMetrics | None
    identified: int | None
    frozen: QualityMetrics
    zero_shot: QualityMetrics


def transfer_matrix(
    runs: Sequence[Run],
    labels: Sequence[str],
    quoted: Sequence[QuotedRow] = (),
    published: Sequence[PublishedPair] = (),
) -> TransferMatrix:
    """Set finished runs side by side by what each was trained and tested on.

    A run's own data come first: their figures are those of its held-out photographs. Runs of
    different encoders or protocols may stand in one matrix; every row says in what it differs from
    the first. Images are the same column only if images, labels and targets are the same.

    Args:
        runs: Finished runs, one for each row.
        labels: What people call each.
        quoted: Published figures to show beside; nothing is tested against them.
        published: Figures of the paper beside those of a run.

    Raises:
        ConfigError: There is no run, one is not done or named twice, a label is missing or doubled.
    """
    results = _results(runs, labels)
    tested = [list(_tested(result)) for result in results]
    columns = _columns([one.protocol for some in tested for one in some])
    named = {(column.dataset, column.data_hash): column.label for column in columns}
    return TransferMatrix(
        trained_on=tuple(
            _row(run, result, label, runs[0], results[0])
            for run, result, label in zip(runs, results, labels, strict=True)
        ),
        tested_on=columns,
        cells=tuple(
            _cell(run.id, one, named[one.protocol.dataset, one.protocol.data_hash])
            for run, some in zip(runs, tested, strict=True)
            for one in some
        ),
        quoted=tuple(quoted),
        published=tuple(published),
    )


def tuning_words(tuning: TuningConfig) -> str:
    """Say how a tower was tuned.

    Example:
        >>> tuning_words(TuningConfig()), tuning_words(TuningConfig(mode="none"))
        ('16 shallow prompts, 100 epochs', 'not tuned')
    """
    if tuning.mode == "none":
        return "not tuned"
    what = "whole tower" if tuning.mode == "whole" else f"{tuning.prompts} {tuning.mode} prompts"
    return f"{what}, {tuning.epochs} epochs"


def seeds_words(run: Run) -> str:
    """Say which seeds a run took.

    Example:
        >>> from datetime import datetime
        >>> from workbench.domain.config import DataConfig, RunConfig
        >>> config = RunConfig(data=DataConfig(distortions=("jpeg",)), seed=3)
        >>> seeds_words(Run(id=1, version="", config=config, status="queued",
        ...     created_at=datetime(2026, 1, 1)))
        'training seed 3, split seed 0'
    """
    return f"training seed {run.config.seed}, split seed {run.config.split.seed}"


def _results(runs: Sequence[Run], labels: Sequence[str]) -> list[RunResult]:
    """Return the runs' results, whose protocols and encoders may differ."""
    if not runs:
        raise ConfigError("A matrix needs at least one finished run.")
    twice = [id for id, count in Counter(run.id for run in runs).items() if count > 1]
    if twice:
        raise ConfigError(f"Run {twice[0]} is named twice; a matrix has one row for each run.")
    if len(set(labels)) != len(runs) or len(labels) != len(runs):
        raise ConfigError(f"{len(runs)} runs need as many distinct labels, not {list(labels)}.")
    return [finished_results([run], [label])[0] for run, label in zip(runs, labels, strict=True)]


def _tested(result: RunResult) -> Iterator[_Tested]:
    own, count = result.quality, result.protocol.images
    yield _Tested(result.protocol, True, result.identification, result.all_clean, count, own, own)
    for other in result.transfers:
        yield _transferred(other)


def _transferred(other: Transfer) -> _Tested:
    return _Tested(
        other.protocol,
        False,
        other.identification,
        other.all_clean,
        other.identified,
        other.frozen,
        other.zero_shot,
    )


def _columns(protocols: Sequence[Protocol]) -> tuple[TestedOn, ...]:
    """Return each set of images once, by its first words; digits of the hash tell apart others."""
    found = dict.fromkeys((one.dataset, one.data_hash) for one in protocols)
    shared = Counter(_first_words(dataset) for dataset, _ in found)
    return tuple(
        TestedOn(
            label=words if shared[words] == 1 else f"{words} ({digest[:_HASH_DIGITS]})",
            dataset=dataset,
            data_hash=digest,
        )
        for dataset, digest in found
        for words in [_first_words(dataset)]
    )


def _first_words(dataset: str) -> str:
    return dataset.partition(",")[0]


def _row(run: Run, result: RunResult, label: str, first: Run, reference: RunResult) -> TrainedOn:
    ours, theirs = _terms(run, result), _terms(first, reference)
    return TrainedOn(
        run=run.id,
        label=label,
        version=run.version,
        encoder=result.encoder,
        tuning=tuning_words(run.config.tuning),
        seeds=seeds_words(run),
        splits=len(result.splits) or run.config.split.folds,
        protocol=result.protocol,
        differences=tuple(
            f"{name}: {ours[name]}, not {theirs[name]}"
            for name in ours
            if ours[name] != theirs[name]
        ),
    )


def _terms(run: Run, result: RunResult) -> dict[str, str]:
    """Return what should be the same for rows to differ by their data alone."""
    encoder, given = result.encoder, run.config.regressor
    return {
        "encoder": f"{encoder.name} ({encoder.weights})",
        "tuning": tuning_words(run.config.tuning),
        "regressor": f"{given.kind} of {given.given}",
        "split": result.protocol.split,
        "views": result.protocol.crop,
    }


def _cell(run: int, one: _Tested, column: str) -> MatrixCell:
    types = len(one.protocol.distortions)
    nothing = Undefined(undefined="no distortion is known to both")
    return MatrixCell(
        run=run,
        tested_on=column,
        held_out=one.held_out,
        images=one.protocol.images,
        identified=one.identified,
        types=types,
        identification=one.identification or nothing,
        all_clean=one.all_clean or nothing,
        frozen=one.frozen,
        zero_shot=one.zero_shot,
    )
