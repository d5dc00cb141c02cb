"""The paper's figures beside those of runs that reproduce them, each with its own protocol."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from workbench.domain.canonical import Frozen, fault_words
from workbench.domain.comparison import QuotedRow
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.run import Protocol, Run, RunResult, SplitFigures, Transfer
from workbench.domain.transfer_matrix import PublishedPair
from workbench.errors import ConfigError, InvalidConfigError, UnknownNameError
from workbench.evaluation.cross_dataset import seeds_words, tuning_words
from workbench.settings import resource


class QuotedFigures(Frozen):
    """One row of a published table, as printed; the fields are those of `QuotedRow`."""

    method: str
    dataset: str
    trained_on: str | None = None
    srcc: float | None = Field(None, ge=-1, le=1)
    plcc: float | None = Field(None, ge=-1, le=1)
    accuracy: float | None = Field(None, ge=0, le=1)
    identification_rmse: float | None = Field(None, ge=0)
    remark: str = ""


class QuotedTable(Frozen):
    """A published table.

    Attributes:
        source: Paper and table.
        protocol: The terms its figures were obtained under, as far as the source states them.
        target: "MOS", or "strengths" where distortions are identified.
    """

    source: str
    protocol: str
    target: Literal["MOS", "strengths"]
    rows: tuple[QuotedFigures, ...] = Field(min_length=1)


def quotable() -> tuple[str, ...]:
    """Return the names of the tables that ship with the workbench."""
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def quotable_parts() -> tuple[str, ...]:
    """Return each data set of each table that ships, as `quoted_rows` takes it.

    Example:
        >>> quotable_parts()[:2]
        ('exiqa-table-2:KADID-10k', 'exiqa-table-2:TID2013')
    """
    tables = {name: _read(_folder() / f"{name}.yaml") for name in quotable()}
    parts = (f"{name}:{row.dataset}" for name, table in tables.items() for row in table.rows)
    return tuple(dict.fromkeys(parts))


def quoted_rows(name: str, protocol: Protocol) -> tuple[QuotedRow, ...]:
    """Return the rows of a published table, and why each cannot be compared under a protocol.

    Args:
        name: A table of `experiments/baselines/` or the path of a YAML file of the same form; after
            a colon the data set or the method whose rows are wanted ("exiqa-table-3:KADID-10k").
        protocol: What the comparison stands under.

    Raises:
        UnknownNameError: There is no such table; the message names the nearest.
        ConfigError: The file cannot be read, or no row is of that data set or method.
        InvalidConfigError: Names every fault of the file at once.

    Example:
        >>> terms = Protocol(dataset="own photographs", data_hash="", target="VSI (no MOS)",
        ...     distortions=(), split="5 folds", crop="grid", images=1, photographs=1)
        >>> row = quoted_rows("exiqa-table-3:exiqa", terms)[0]
        >>> row.dataset, row.srcc, row.differences[:2]
        ('KADID-10k', 0.939, ('other data set (KADID-10k)', 'MOS instead of VSI (no MOS)'))
    """
    where, wanted = _parsed(name)
    table = _read(where)
    chosen = [
        row
        for row in table.rows
        if not wanted or wanted.casefold() in (row.method.casefold(), row.dataset.casefold())
    ]
    if not chosen:
        held = dict.fromkeys(word for row in table.rows for word in (row.method, row.dataset))
        raise ConfigError(f"{where.name} has no row of '{wanted}'; it has {', '.join(held)}.")
    return tuple(
        QuotedRow(
            source=table.source,
            protocol=table.protocol,
            differences=_differences(table, row, protocol),
            **row.model_dump(),
        )
        for row in chosen
    )


def _folder() -> Path:
    return resource("experiments/baselines")


def _parsed(name: str) -> tuple[Path, str]:
    """Return the file, and the rows that are wanted of it ("" for all)."""
    table, _, wanted = name.partition(":")
    if table.endswith((".yaml", ".yml")):
        return Path(table), wanted
    if table not in quotable():
        raise UnknownNameError("published table", table, quotable())
    return _folder() / f"{table}.yaml", wanted


def _read(path: Path) -> QuotedTable:
    try:
        return QuotedTable.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as fault:
        raise ConfigError(f"Cannot read the published figures {path}: {fault.strerror}.") from fault
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        line = " ".join(str(fault).split())
        raise ConfigError(f"{path} is not valid YAML: {line}.") from fault
    except ValidationError as fault:
        raise InvalidConfigError(str(path), fault_words(fault)) from fault


def _differences(table: QuotedTable, row: QuotedFigures, protocol: Protocol) -> tuple[str, ...]:
    """Return every way in which the terms are known to differ; the split always does."""
    found = []
    if row.dataset.casefold() not in protocol.dataset.casefold():
        found.append(f"other data set ({row.dataset})")
    if table.target == "MOS" and "no MOS" in protocol.target:
        found.append(f"MOS instead of {protocol.target}")
    if row.trained_on:
        found.append(f"trained on {row.trained_on}")
    found.append(f"other split than {protocol.split}")
    return tuple(found)


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
