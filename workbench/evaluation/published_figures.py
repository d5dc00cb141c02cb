"""Published figures: quoted with a comparison, or next to those of runs that reproduce them.

They are shown with the protocol they were obtained under, and nothing is tested against them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import Field, ValidationError

from workbench.domain.canonical import Frozen, fault_words
from workbench.domain.comparison import QuotedRow
from workbench.domain.config import TuningConfig
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.run import Protocol, Run, RunResult, SplitFigures, Transfer
from workbench.domain.transfer_matrix import PublishedPair
from workbench.errors import ConfigError, InvalidConfigError, UnknownNameError
from workbench.evaluation.comparable import finished_result
from workbench.settings import resource
from workbench.text_files import TextFault, read_yaml

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
_PRINTED: dict[str, Callable[[QuotedRow], float | None]] = {
    "accuracy": lambda row: row.accuracy,
    "RMSE": lambda row: row.identification_rmse,
    "SRCC": lambda row: row.srcc,
    "PLCC": lambda row: row.plcc,
}


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
    path, wanted = _parsed(name)
    table = _read(path)
    rows = [
        row
        for row in table.rows
        if not wanted or wanted.casefold() in (row.method.casefold(), row.dataset.casefold())
    ]
    if not rows:
        words = dict.fromkeys(word for row in table.rows for word in (row.method, row.dataset))
        raise ConfigError(f"{path.name} has no row of '{wanted}'; it has {', '.join(words)}.")
    return tuple(
        QuotedRow(
            source=table.source,
            protocol=table.protocol,
            differences=_differences(table, row, protocol),
            **row.model_dump(),
        )
        for row in rows
    )


def published_pairs(runs: Sequence[Run]) -> tuple[PublishedPair, ...]:
    """Return every figure of Tables II to V that a finished run reproduces, next to the run's own.

    A run reproduces a row if its data, and for a transfer the other data too, are the row's. Of a
    run's own data, ours is the median over its splits.
    """
    pairs: list[PublishedPair] = []
    for run in runs:
        result = finished_result(run)
        pairs += _of_own_data(run, result)
        for transfer in result.transfers:
            pairs += _of_transfer(run, result, transfer)
    return tuple(pairs)


def tested_protocols(results: Sequence[RunResult]) -> list[Protocol]:
    """Return the protocol of every test of the runs: on their own data, then on other data."""
    return [
        protocol
        for result in results
        for protocol in (result.protocol, *(transfer.protocol for transfer in result.transfers))
    ]


def matrix_rows(protocols: Sequence[Protocol]) -> tuple[QuotedRow, ...]:
    """Return Tables IV and V, quoted.

    A row says in what it differs from the first protocol on its data set, or from the very first
    where there is none.
    """
    rows = []
    for table in MATRIX_TABLES:
        by_protocol = [quoted_rows(table, protocol) for protocol in protocols]
        for number, row in enumerate(by_protocol[0]):
            same = (i for i, p in enumerate(protocols) if is_dataset(row.dataset, p.dataset))
            rows.append(by_protocol[next(same, 0)][number])
    return tuple(rows)


def is_dataset(name: str, words: str) -> bool:
    """Return whether data in words are the data set that the paper names.

    Example:
        >>> is_dataset("LIVE", "LIVE release 2"), is_dataset("LIVE", "Olives, 20 images")
        (True, False)
    """
    return re.match(rf"{re.escape(_OURS.get(name, name))}\b", words, re.IGNORECASE) is not None


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
    """Say which seeds a run took."""
    return f"training seed {run.config.seed}, split seed {run.config.split.seed}"


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
        return QuotedTable.model_validate(read_yaml(path.read_text(encoding="utf-8")))
    except OSError as fault:
        raise ConfigError(f"Cannot read the published figures {path}: {fault.strerror}.") from fault
    except (TextFault, UnicodeDecodeError) as fault:
        raise ConfigError(f"{path} is not valid YAML: {fault}.") from fault
    except ValidationError as fault:
        raise InvalidConfigError(str(path), fault_words(fault)) from fault


def _differences(table: QuotedTable, row: QuotedFigures, protocol: Protocol) -> tuple[str, ...]:
    """Return every way in which the terms are known to differ; the split always does."""
    differences = []
    if row.dataset.casefold() not in protocol.dataset.casefold():
        differences.append(f"other data set ({row.dataset})")
    if table.target == "MOS" and "no MOS" in protocol.target:
        differences.append(f"MOS instead of {protocol.target}")
    if row.trained_on:
        differences.append(f"trained on {row.trained_on}")
    differences.append(f"other split than {protocol.split}")
    return tuple(differences)


def _of_own_data(run: Run, result: RunResult) -> Iterator[PublishedPair]:
    protocol = result.protocol
    for table, figures in _OF_SPLITS.items():
        for row in _rows(table, protocol, trained=None):
            for name, figure in figures.items():
                values = tuple(figure(split) for split in result.splits)
                yield from _pair(table, name, row, run, protocol, _median(values), values)


def _of_transfer(run: Run, result: RunResult, transfer: Transfer) -> Iterator[PublishedPair]:
    protocol, trained = transfer.protocol, result.protocol.dataset
    identification, quality = MATRIX_TABLES
    if (ours := transfer.identification) is not None:
        images = transfer.identified or protocol.images
        counted = protocol.model_copy(update={"images": images})
        for row in _rows(identification, protocol, trained):
            yield from _pair(identification, "accuracy", row, run, counted, ours.accuracy)
            yield from _pair(identification, "RMSE", row, run, counted, ours.rmse)
    for row in _rows(quality, protocol, trained):
        yield from _pair(quality, "SRCC", row, run, protocol, transfer.frozen.srcc)


def _rows(table: str, protocol: Protocol, trained: str | None) -> list[QuotedRow]:
    """Return the paper's rows for data tested on, and trained on where they differ."""
    return [
        row
        for row in quoted_rows(table, protocol)
        if row.method == METHOD
        and is_dataset(row.dataset, protocol.dataset)
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
    ours: Metric,
    values: tuple[Metric, ...] = (),
) -> Iterator[PublishedPair]:
    """Yield a figure next to the printed one, if it is printed."""
    theirs = _PRINTED[figure](row)
    if theirs is None:
        return
    encoder = run.result.encoder.name if run.result else run.config.encoder.name
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
        protocol=(
            f"run {run.id} on {protocol.dataset}: {protocol.images:,} images, "
            f"{protocol.photographs:,} groups; {protocol.split}; {protocol.crop}; target "
            f"{protocol.target}; encoder {encoder}, {tuning_words(run.config.tuning)}"
        ),
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
