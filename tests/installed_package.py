"""A package that is really there, as the importer and its entry points see it."""

from pathlib import Path


def put_package(folder: Path, name: str, *, group: str, entry: str, code: str) -> None:
    """Write a module and the metadata that `pip install` would leave beside it.

    Args:
        folder: On the path of the process that shall find it.
        name: Of the package; its module is NAME_code.
        group: Of the entry point.
        entry: What follows in the group: "light = mine_code:brightness".
        code: Of the module.
    """
    (folder / f"{name}_code.py").write_text(code)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
