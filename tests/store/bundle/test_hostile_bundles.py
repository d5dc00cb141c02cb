"""Bundles that hold together by their hashes and must be refused, or must come home unharmed."""

import json
import shutil
import zipfile
from datetime import timedelta, timezone

import pytest

from tests.databases import fresh_database
from workbench.datasets.photographs import PACKAGED
from workbench.errors import IntegrityError
from workbench.store import open_store
from workbench.store.bundle import export_bundle, import_bundle, members, read_bundle
from workbench.store.call_log import call_line

from ..store_examples import NOON, a_call
from ..test_bundle import among, fill


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A bundle of a store with all that one can hold."""
    folder = tmp_path_factory.mktemp("packed")
    with open_store(f"sqlite:///{folder / 'store.sqlite'}") as store:
        fill(store)
        export_bundle(store, folder / "best.zip", ["best"])
    return folder / "best.zip"


def comment_with(**fields):
    """Forge a field of the first comment."""

    def change(members):
        comments = json.loads(members["comments.json"])
        comments[0].update(fields)
        members["comments.json"] = json.dumps(comments).encode()

    return change


def call_at(moment):
    """Forge one more call, with the digest that belongs to it."""
    call = a_call(sample=9).model_copy(update={"created_at": moment})
    return lambda members: members.update(
        {"calls.jsonl": members["calls.jsonl"] + call_line(call).encode()}
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (comment_with(at="0001-01-01T00:00:00+05:00"), "lies outside the years 1 to 9999 in UTC"),
        (comment_with(identity="f" * 32), "comment of cleo is on an attribute that no version has"),
        (call_at(NOON.replace(tzinfo=None)), "its moment is not in UTC"),
        (call_at(NOON.astimezone(timezone(timedelta(hours=2)))), "its moment is not in UTC"),
    ],
)
def test_what_a_store_could_not_bear_out_is_refused(packed, tmp_path, change, words):
    path = shutil.copy(packed, tmp_path / "forged.zip")
    among(change, forged=True)(path)
    with pytest.raises(IntegrityError, match=words):
        read_bundle(path)


def test_no_changed_byte_of_a_member_is_taken_in(packed, tmp_path):
    path, original = tmp_path / "changed.zip", packed.read_bytes()
    with zipfile.ZipFile(packed) as archived:
        begins = [entry.header_offset + 30 + len(entry.filename) for entry in archived.infolist()]
        sizes = [entry.compress_size for entry in archived.infolist()]
    for begin, size in zip(begins, sizes, strict=True):
        for offset in range(begin, begin + size, 1 + size // 8):
            path.write_bytes(
                original[:offset] + bytes([original[offset] ^ 0x10]) + original[offset + 1 :]
            )
            with pytest.raises(IntegrityError, match="None of it was used"):
                read_bundle(path)


def test_a_bundle_that_comes_home_tells_no_event_twice(tmp_path):
    first, home = tmp_path / "first.zip", tmp_path / "home.zip"
    (tmp_path / "abroad").mkdir()
    with (
        open_store(fresh_database(tmp_path / "store.sqlite")) as store,
        open_store(fresh_database(tmp_path / "abroad" / "store.sqlite")) as abroad,
    ):
        fill(store)
        export_bundle(store, first, ["best"])
        import_bundle(abroad, first, author="dora")
        export_bundle(abroad, home, ["best"])
        assert import_bundle(store, home, author="dora").versions == ()
        export_bundle(store, home, ["best"])
    assert home.read_bytes() == first.read_bytes()


def test_every_packaged_photograph_has_its_licence(packed):
    licences = members.unpack(packed)["licences/photographs.txt"].decode()
    assert [name for name in PACKAGED if f"\n{name} " not in licences] == []
