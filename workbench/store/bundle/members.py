"""A bundle as a zip of members, the texts of these, and back; with what is known of licences."""

import hashlib
import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import distribution
from importlib.metadata import version as installed
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from workbench.atomic_files import atomic_write
from workbench.domain.canonical import Frozen, fault_words
from workbench.errors import IntegrityError, StoreError, WorkbenchError
from workbench.store.bundle.contents import (
    FORMAT,
    Bundle,
    BundledComment,
    BundledEvent,
    BundledRecipe,
    BundledRun,
    BundledVersion,
    Manifest,
    lineage_order,
)
from workbench.store.call_log import call_line, calls_of
from workbench.text_files import TextFault, read_json

_TERMS = """What may be done with the parts of this bundle

The program that wrote it: Apache-2.0, program.txt.
Attributes, comments, history: no licence is recorded. Unknown; ask the authors, who are named.
Replies of language models ({models}): the terms of whoever served them. Unknown here.
Photographs that runs were made on ({data}): not in this bundle; {photographs}.
Encoders of the runs ({encoders}): weights are not in this bundle. The model card of the program's
own, with the licences of what it was trained on, is offline-encoder.md; those of others are
unknown here.
"""

_PACKAGED_TERMS = "those of the packaged ones are in photographs.txt, others are unknown here"

# From scikit-image 0.26 (documentation of skimage.data) and scikit-learn 1.9 (datasets/images).
_PHOTOGRAPHS = """The photographs that come with scikit-image and scikit-learn

None of them is in this bundle; figures of its runs were made on them.

astronaut             public domain, NASA; no known copyright restrictions
chelsea               CC0, Stefan van der Walt
china                 CC-BY-2.0, danielbuechele, flickr.com/photos/danielbuechele/6061409035
coffee                CC0, Rachel Michetti
flower                CC-BY-2.0, vultilion, flickr.com/photos/vultilion/6056698931
hubble_deep_field     public domain, NASA
immunohistochemistry  no known copyright restrictions
motorcycle            Middlebury 2014 stereo benchmark, Scharstein et al.; no licence is stated
retina                CC0, Mikael Häggström
rocket                public domain, SpaceX
"""


def licence_texts(bundle: Bundle) -> dict[str, bytes]:
    """Return name to content of the members that say what may be done with a bundle."""
    results = [json.loads(bundle.results[run.result]) for run in bundle.runs]
    sources = {data.get("photographs") for run in bundle.runs for data in run.data}
    terms = _TERMS.format(
        models=_named(call.request.model for call in bundle.calls),
        data=_named(part["protocol"]["dataset"] for result in results for part in _parts(result)),
        photographs=_PACKAGED_TERMS if "packaged" in sources else "their licences are unknown here",
        encoders=_named(result["encoder"]["name"] for result in results),
    )
    card = files("workbench").joinpath("encoders", "weights", "README.md").read_bytes()
    program = distribution("attribute-workbench").read_text("licenses/LICENSE")
    photographs = (
        {"licences/photographs.txt": _PHOTOGRAPHS.encode()} if "packaged" in sources else {}
    )
    return photographs | {
        "licences/TERMS.txt": terms.encode(),
        "licences/offline-encoder.md": card,
        "licences/program.txt": (program or "Apache-2.0; its text was not installed.\n").encode(),
    }


def _parts(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what of a result names a data set: the run itself, and each transfer."""
    return [result, *result.get("transfers", ())]


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"


MANIFEST = "bundle.json"
_LISTS: dict[str, TypeAdapter[Any]] = {
    "recipes": TypeAdapter(tuple[BundledRecipe, ...]),
    "comments": TypeAdapter(tuple[BundledComment, ...]),
    "history": TypeAdapter(tuple[BundledEvent, ...]),
}
_NAMES = re.compile(
    r"README\.txt|calls\.jsonl|(?:recipes|comments|history)\.json|licences/[A-Za-z0-9._-]+\.(?:txt|md)"
    r"|versions/[0-9a-f]{64}\.json|runs/[0-9a-f]{64}/(?:run|result)\.json"
)
_REQUIRED = {"README.txt", "calls.jsonl", *(f"{name}.json" for name in _LISTS)}

_README = """Attributes for explainable image quality assessment: a bundle ({format})

{versions} versions (asked for: {asked}), {calls} calls of language models, {runs} runs.

bundle.json    SHA-256 of every other member
versions/      frozen versions: words, provenance, parents, seal
calls.jsonl    the calls that attributes came from, whole, one a line
recipes.json   distortion types that were added as data
comments.json  remarks on the attributes
history.json   who changed them before they were frozen; for reading only
runs/          configurations and results of the runs that were done
licences/      what may be done with it, as far as it is known

Check it with:    workbench bundle verify FILE
Take it in with:  workbench bundle import FILE
"""


def members_of(bundle: Bundle) -> dict[str, bytes]:
    """Return name to content of a bundle's members, in the order in which they are packed."""
    files = {"README.txt": _readme(bundle).encode()}
    files |= {f"versions/{version.hash}.json": _document(version) for version in bundle.versions}
    files["calls.jsonl"] = "".join(map(call_line, bundle.calls)).encode()
    files |= {f"{name}.json": _documents(getattr(bundle, name)) for name in _LISTS}
    for run in bundle.runs:
        files[f"runs/{run.result}/run.json"] = _document(run)
        files[f"runs/{run.result}/result.json"] = bundle.results[run.result].encode()
    files |= licence_texts(bundle)
    manifest = Manifest(
        program=installed("attribute-workbench"),
        asked=bundle.asked,
        members={name: sha256(files[name]) for name in sorted(files)},
    )
    return {MANIFEST: _document(manifest), **{name: files[name] for name in sorted(files)}}


def bundle_of(members: Mapping[str, bytes]) -> Bundle:
    """Return the bundle that members make, after comparing each with its hash."""
    manifest = _manifest(members)
    _refuse_others(manifest, members)
    for name, digest in manifest.members.items():
        if sha256(members[name]) != digest:
            raise IntegrityError(f"its member {name} was changed: it does not match its hash")
    versions = _each(BundledVersion, members, "versions/", ".json")
    runs = _each(BundledRun, members, "runs/", "/run.json")
    lists = {name: _parsed(_LISTS[name], members, f"{name}.json") for name in _LISTS}
    try:
        return Bundle(
            asked=manifest.asked,
            versions=lineage_order({version.hash: version for version in versions}),
            calls=tuple(calls_of(members["calls.jsonl"], "calls.jsonl")),
            runs=runs,
            results={
                run.result: members[f"runs/{run.result}/result.json"].decode() for run in runs
            },
            **lists,
        )
    except WorkbenchError as fault:
        raise IntegrityError(f"its log does not hold: {str(fault).rstrip('.')}") from fault
    except KeyError as fault:
        raise IntegrityError(f"its member {fault.args[0]} is missing") from fault
    except ValueError as fault:
        raise IntegrityError(f"it does not hold together: {fault}") from fault


def sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _manifest(members: Mapping[str, bytes]) -> Manifest:
    if MANIFEST not in members:
        raise IntegrityError(f"it has no {MANIFEST}, so that it is no bundle of the workbench")
    try:
        raw = read_json(members[MANIFEST])
    except TextFault as fault:
        raise IntegrityError(f"its {MANIFEST} is no JSON") from fault
    format = raw.get("format") if isinstance(raw, dict) else None
    if format != FORMAT:
        raise IntegrityError(
            f"its format is {str(format)[:40]!r} and this program reads {FORMAT!r}"
        )
    manifest: Manifest = _parsed(Manifest, members, MANIFEST)
    return manifest


def _refuse_others(manifest: Manifest, members: Mapping[str, bytes]) -> None:
    expected = {MANIFEST, *manifest.members}
    for name in sorted(_REQUIRED | expected):
        if name not in members:
            raise IntegrityError(f"its member {name} is missing")
    for name in sorted(members):
        if name not in expected or (name != MANIFEST and not _NAMES.fullmatch(name)):
            raise IntegrityError(f"it holds a member that does not belong there: {name[:80]}")


def _each(kind: type[Frozen], members: Mapping[str, bytes], folder: str, ending: str) -> Any:
    """Return the values of a folder's members, each of which its name must name."""
    key = "hash" if kind is BundledVersion else "result"
    values = []
    for name in sorted(members):
        if name.startswith(folder) and name.endswith(ending):
            value = _parsed(kind, members, name)
            if name != f"{folder}{getattr(value, key)}{ending}":
                raise IntegrityError(f"its member {name} is not what its name says")
            values.append(value)
    return tuple(values)


def _parsed(kind: Any, members: Mapping[str, bytes], name: str) -> Any:
    parse = kind.validate_json if isinstance(kind, TypeAdapter) else kind.model_validate_json
    try:
        return parse(members[name])
    except ValidationError as fault:
        raise IntegrityError(
            f"its member {name} cannot be read: {fault_words(fault)[0]}"
        ) from fault


def _readme(bundle: Bundle) -> str:
    return _README.format(
        format=FORMAT,
        versions=len(bundle.versions),
        asked=", ".join(hash[:10] for hash in bundle.asked),
        calls=len(bundle.calls),
        runs=len(bundle.runs),
    )


def _document(value: Frozen) -> bytes:
    return _text(value.model_dump(mode="json"))


def _documents(values: Iterable[Frozen]) -> bytes:
    return _text([value.model_dump(mode="json") for value in values])


def _text(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


MOST_BYTES = 200_000_000  # of all members together, unpacked
MOST_DIRECTORY = 10_000_000  # bytes of the list of members: some 80,000 of them
_END = struct.Struct("<4s4H2LH")  # of an archive: signature, disks and members, the list's size
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
        _refuse_long_list(path)
        with _plain_errors(), zipfile.ZipFile(path) as archive:
            return dict(_contents(archive))
    except OSError as fault:
        raise StoreError(f"it cannot be read: {fault.strerror}") from fault


def _refuse_long_list(path: Path) -> None:
    """Refuse an archive of very many members before their list is read, which takes minutes."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END.size - 65_535))  # a comment may follow
        tail = file.read()
    at = tail.rfind(b"PK\5\6", 0, len(tail) - _END.size + 4)
    if at < 0 or _END.unpack_from(tail, at)[5] > MOST_DIRECTORY:
        raise IntegrityError("it has more members than any bundle")


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
