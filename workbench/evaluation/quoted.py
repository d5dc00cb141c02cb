"""Published figures beside a comparison: shown as rows of their own, never tested against."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from workbench.domain.base import Frozen, fault_words
from workbench.domain.comparison import QuotedRow
from workbench.domain.run import Protocol
from workbench.errors import ConfigError, InvalidConfigError, UnknownNameError
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
