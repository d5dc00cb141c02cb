"""`make bench`: run every benchmark, print a table, write benchmarks/latest.json."""

import json
from pathlib import Path

import benchmarks
from workbench.cli.console import emit, table
from workbench.registry import discover

COLUMNS = ("name", "value", "unit", "reference", "ratio", "target", "holds")


def main() -> None:
    """Collect the rows of every bench_*.py."""
    rows = [
        row
        for module in discover(benchmarks)
        if module.__name__.rpartition(".")[2].startswith("bench_")
        for row in module.rows()
    ]
    cells = [[None if row[name] is None else _cell(row[name]) for name in COLUMNS] for row in rows]
    emit(False, rows, lambda: table(COLUMNS, cells))
    latest = Path(__file__).with_name("latest.json")
    latest.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
