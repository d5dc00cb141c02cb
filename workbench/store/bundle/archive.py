"""The zip around a bundle: the same members give the same bytes, and a hostile one is refused."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from workbench.atomic_files import atomic_write
from workbench.errors import IntegrityError, StoreError, WorkbenchError

MOST_BYTES = 200_000_000  # of all members together, unpacked
# The earliest moment that a zip can name; with the time of writing, no two exports would be equal.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


def pack(path: Path, members: Mapping[str, bytes]) -> None:
    """Write members to a zip, all or none."""
    if sum(map(len, members.values())) > MOST_BYTES:
        raise StoreError(
            f"The bundle would hold more than {MOST_BYTES // 1_000_000} MB. Leave the runs out "
            "with --without-runs, or bundle fewer versions. Nothing was written."
        )
    try:
        with atomic_write(path) as passing, zipfile.ZipFile(passing, "w") as archive:
            for name, data in members.items():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.create_system, entry.external_attr = 3, 0o644 << 16  # as Unix writes it
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 6)
    except OSError as fault:
        raise StoreError(f"Cannot write the bundle {path}: {fault.strerror}.") from fault


def unpack(path: Path) -> dict[str, bytes]:
    """Return name to content of the members of a zip."""
    try:
        if not zipfile.is_zipfile(path):
            path.open("rb").close()  # says what is wrong with the file itself
            raise StoreError("it is no zip, or only the beginning of one")
        with _plain_errors(), zipfile.ZipFile(path) as archive:
            return dict(_contents(archive))
    except OSError as fault:
        raise StoreError(f"it cannot be read: {fault.strerror}") from fault


def _contents(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    budget = MOST_BYTES
    names: set[str] = set()
    for entry in archive.infolist():
        _refuse_unsafe(entry, names)
        names.add(entry.filename)
        with archive.open(entry) as member:
            data = member.read(budget + 1)  # whatever size it claims
        budget -= len(data)
        if budget < 0 or entry.file_size > MOST_BYTES:
            raise IntegrityError(f"it is larger than {MOST_BYTES // 1_000_000} MB when unpacked")
        yield entry.filename, data


def _refuse_unsafe(entry: zipfile.ZipInfo, names: set[str]) -> None:
    name = entry.filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise IntegrityError(f"a member has the unsafe name {name[:80]!r}")
    if name in names:
        raise IntegrityError(f"it holds the member {name[:80]} twice")
    if entry.compress_type not in _METHODS or entry.flag_bits & _ENCRYPTED:
        raise IntegrityError(f"its member {name[:80]} is packed in a way that no bundle is")


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except WorkbenchError:
        raise
    except zipfile.BadZipFile as fault:
        raise IntegrityError(f"it is damaged: {str(fault).rstrip('.')}") from fault
    except (zlib.error, EOFError, ValueError, RuntimeError) as fault:
        raise IntegrityError("it is damaged: a member cannot be unpacked") from fault
