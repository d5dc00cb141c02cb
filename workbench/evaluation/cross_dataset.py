"""Trained on one set of images, tested on others: the figures of several runs in one matrix."""

from collections import Counter
from collections.abc import Sequence

from workbench.domain.metrics import Undefined
from workbench.domain.run import Protocol, Run, RunResult, Transfer
from workbench.domain.transfer_matrix import MatrixCell, TestedOn, TrainedOn, TransferMatrix
from workbench.errors import ConfigError
from workbench.evaluation.comparable import finished_result
from workbench.evaluation.published_figures import (
    matrix_rows,
    published_pairs,
    seeds_words,
    tested_protocols,
    tuning_words,
)

_HASH_DIGITS = 8
_NO_SHARED_TYPE = Undefined(undefined="no distortion is known to both")


def transfer_matrix(
    runs: Sequence[Run], labels: Sequence[str], *, quote: bool = False
) -> TransferMatrix:
    """Return finished runs by what each was trained and tested on.

    A run's own data come first: their figures are those of its held-out photographs. Runs of
    different encoders or protocols may be in one matrix; every row says in what it differs from
    the first. Images are the same column only if images, labels and targets are the same.

    Args:
        runs: Finished runs, one for each row.
        labels: What people call each.
        quote: Whether to add the paper's figures; nothing is tested against them.

    Raises:
        ConfigError: There is no run, one is not done or named twice, a label is missing or doubled.
    """
    results = _results(runs, labels)
    protocols = tested_protocols(results)
    columns = _columns(protocols)
    names = {(column.dataset, column.data_hash): column.label for column in columns}
    cells: list[MatrixCell] = []
    for run, result in zip(runs, results, strict=True):
        cells.append(_held_out_cell(run.id, result, names))
        cells += [_transfer_cell(run.id, transfer, names) for transfer in result.transfers]
    return TransferMatrix(
        trained_on=tuple(
            _row(run, result, label, runs[0], results[0])
            for run, result, label in zip(runs, results, labels, strict=True)
        ),
        tested_on=columns,
        cells=tuple(cells),
        quoted=matrix_rows(protocols) if quote else (),
        published=published_pairs(runs) if quote else (),
    )


def _results(runs: Sequence[Run], labels: Sequence[str]) -> list[RunResult]:
    """Return the runs' results, whose protocols and encoders may differ."""
    if not runs:
        raise ConfigError("A matrix needs at least one finished run.")
    twice = [id for id, count in Counter(run.id for run in runs).items() if count > 1]
    if twice:
        raise ConfigError(f"Run {twice[0]} is named twice; a matrix has one row for each run.")
    if len(set(labels)) != len(runs) or len(labels) != len(runs):
        raise ConfigError(f"{len(runs)} runs need as many distinct labels, not {list(labels)}.")
    return [finished_result(run) for run in runs]


def _columns(protocols: Sequence[Protocol]) -> tuple[TestedOn, ...]:
    """Return each set of images once, by its first words; digits of the hash tell apart others."""
    sets = dict.fromkeys((protocol.dataset, protocol.data_hash) for protocol in protocols)
    shared = Counter(_first_words(dataset) for dataset, _ in sets)
    return tuple(
        TestedOn(
            label=words if shared[words] == 1 else f"{words} ({digest[:_HASH_DIGITS]})",
            dataset=dataset,
            data_hash=digest,
        )
        for dataset, digest in sets
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
    encoder, regressor = result.encoder, run.config.regressor
    return {
        "encoder": f"{encoder.name} ({encoder.weights})",
        "tuning": tuning_words(run.config.tuning),
        "regressor": f"{regressor.kind} of {regressor.given}",
        "split": result.protocol.split,
        "views": result.protocol.crop,
    }


def _held_out_cell(run: int, result: RunResult, names: dict[tuple[str, str], str]) -> MatrixCell:
    protocol = result.protocol
    return MatrixCell(
        run=run,
        tested_on=names[protocol.dataset, protocol.data_hash],
        held_out=True,
        images=protocol.images,
        identified=protocol.images,
        types=len(protocol.distortions),
        identification=result.identification,
        all_clean=result.all_clean,
        frozen=result.quality,
        zero_shot=result.quality,
    )


def _transfer_cell(run: int, other: Transfer, names: dict[tuple[str, str], str]) -> MatrixCell:
    protocol = other.protocol
    return MatrixCell(
        run=run,
        tested_on=names[protocol.dataset, protocol.data_hash],
        held_out=False,
        images=protocol.images,
        identified=other.identified,
        types=len(protocol.distortions),
        identification=other.identification or _NO_SHARED_TYPE,
        all_clean=other.all_clean or _NO_SHARED_TYPE,
        frozen=other.frozen,
        zero_shot=other.zero_shot,
    )
