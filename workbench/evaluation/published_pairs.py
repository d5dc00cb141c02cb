"""The paper's figures beside those of runs that reproduce them, each with its own protocol."""

import re
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from workbench.domain.comparison import QuotedRow
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.run import Protocol, Run, RunResult, SplitFigures, Transfer
from workbench.domain.transfer_matrix import PublishedPair
from workbench.errors import ConfigError
from workbench.evaluation.quoted import quoted_rows
from workbench.evaluation.transfer_matrix import seeds_words, tuning_words

METHOD = "ExIQA"
MATRIX_TABLES = ("exiqa-table-4", "exiqa-table-5")
# The paper's own set was never published; one that `workbench generate` made takes its place.
_OURS = {"ExIQA-100k": "A generated multi-distortion set"}
_OF_SPLITS: dict[str, dict[str, Callable[[SplitFigures], Metric]]] = {
    "exiqa-table-2": {
        "accuracy": lambda split: split.identification.accuracy,
        "RMSE": lambda split: split.identification.rmse,
    },
    "exiqa-table-3": {
        "SRCC": lambda split: split.quality.srcc,
        "PLCC": lambda split: split.quality.plcc,
    },
}


def published_pairs(runs: Sequence[Run]) -> tuple[PublishedPair, ...]:
    """Return every figure of Tables II to V that a run reproduces, beside the run's own.

    A run reproduces a row if its data, and for a transfer the other data too, are the row's. Of a
    run's own data, ours is the median over its splits.

    Args:
        runs: Finished runs.

    Raises:
        ConfigError: One is not done.
    """
    found: list[PublishedPair] = []
    for run in runs:
        if run.result is None:
            raise ConfigError(f"Run {run.id} has no result: wait until it is done, or run it.")
        found += _own(run, run.result)
        for other in run.result.transfers:
            found += _transferred(run, run.result, other)
    return tuple(found)


def matrix_rows(runs: Sequence[Run]) -> tuple[QuotedRow, ...]:
    """Return Tables IV and V, quoted.

    A row says in what it differs from the first figures that a run has on its data set, or from
    the first run's own where none has any.

    Args:
        runs: Finished runs.
    """
    results = [run.result for run in runs if run.result is not None]
    met = [
        terms for one in results for terms in (one.protocol, *(t.protocol for t in one.transfers))
    ]
    rows = []
    for table in MATRIX_TABLES:
        by_terms = [quoted_rows(table, terms) for terms in met]
        for place, row in enumerate(by_terms[0]):
            own = (i for i, terms in enumerate(met) if is_dataset(row.dataset, terms.dataset))
            rows.append(by_terms[next(own, 0)][place])
    return tuple(rows)


def is_dataset(name: str, words: str) -> bool:
    """Return whether data in words are the data set that the paper names.

    Example:
        >>> is_dataset("LIVE", "LIVE release 2"), is_dataset("LIVE", "Olives, 20 images")
        (True, False)
    """
    return re.match(rf"{re.escape(_OURS.get(name, name))}\b", words, re.IGNORECASE) is not None


def protocol_words(run: Run, protocol: Protocol) -> str:
    """Return the terms of a run's figures in one sentence."""
    encoder = run.result.encoder.name if run.result else run.config.encoder.name
    return (
        f"run {run.id} on {protocol.dataset}: {protocol.images:,} images, "
        f"{protocol.photographs:,} groups; {protocol.split}; {protocol.crop}; target "
        f"{protocol.target}; encoder {encoder}, {tuning_words(run.config.tuning)}"
    )


def _own(run: Run, result: RunResult) -> Iterator[PublishedPair]:
    protocol = result.protocol
    for table, figures in _OF_SPLITS.items():
        for row in _rows(table, protocol, tested=protocol.dataset, trained=None):
            for name, figure in figures.items():
                values = tuple(figure(split) for split in result.splits)
                yield from _pair(
                    table, name, row, run, protocol, ours=_median(values), values=values
                )


def _transferred(run: Run, result: RunResult, other: Transfer) -> Iterator[PublishedPair]:
    protocol, own = other.protocol, result.protocol.dataset
    identified = other.identification
    if identified is not None:
        counted = protocol.model_copy(update={"images": other.identified or protocol.images})
        for row in _rows(MATRIX_TABLES[0], protocol, tested=protocol.dataset, trained=own):
            for name, value in (("accuracy", identified.accuracy), ("RMSE", identified.rmse)):
                yield from _pair(MATRIX_TABLES[0], name, row, run, counted, ours=value)
    for row in _rows(MATRIX_TABLES[1], protocol, tested=protocol.dataset, trained=own):
        yield from _pair(MATRIX_TABLES[1], "SRCC", row, run, protocol, ours=other.frozen.srcc)


def _rows(table: str, protocol: Protocol, *, tested: str, trained: str | None) -> list[QuotedRow]:
    """Return the paper's rows for data tested on, and trained on where they differ."""
    return [
        row
        for row in quoted_rows(table, protocol)
        if row.method == METHOD
        and is_dataset(row.dataset, tested)
        and (
            row.trained_on is None
            if trained is None
            else row.trained_on is not None and is_dataset(row.trained_on, trained)
        )
    ]


def _pair(
    table: str,
    figure: str,
    row: QuotedRow,
    run: Run,
    protocol: Protocol,
    *,
    ours: Metric,
    values: tuple[Metric, ...] = (),
) -> Iterator[PublishedPair]:
    """Yield a figure beside the printed one, if it is printed."""
    printed = {
        "accuracy": row.accuracy,
        "RMSE": row.identification_rmse,
        "SRCC": row.srcc,
        "PLCC": row.plcc,
    }
    theirs = printed[figure]
    if theirs is None:
        return
    yield PublishedPair(
        table=table,
        figure=figure,
        trained_on=row.trained_on or row.dataset,
        tested_on=row.dataset,
        run=run.id,
        ours=ours,
        values=values,
        images=protocol.images,
        seeds=seeds_words(run),
        protocol=protocol_words(run, protocol),
        theirs=theirs,
        theirs_protocol=f"{row.source}: {row.protocol}",
        differences=row.differences,
        remark=row.remark,
    )


def _median(values: Sequence[Metric]) -> Metric:
    """Return the median; undefined as soon as one value is.

    Example:
        >>> _median((0.1, 0.4, 0.2, 0.3))
        0.25
        >>> _median((0.1, Undefined(undefined="constant predictions"))).undefined
        'in 1 of 2 splits: constant predictions'
    """
    holes = [value for value in values if isinstance(value, Undefined)]
    if holes:
        return Undefined(undefined=f"in {len(holes)} of {len(values)} splits: {holes[0].undefined}")
    return float(median(value for value in values if not isinstance(value, Undefined)))
