import hashlib
import json
import random
import shutil
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.databases import fresh_database
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import IntegrityError, StoreError, VersionNotFoundError
from workbench.store import open_store
from workbench.store.bundle import export_bundle, import_bundle, members, read_bundle

from .other_process import run_together
from .store_examples import CONFIG, a_call, a_result, a_set
from .test_store_recipes import a_recipe

pytestmark = pytest.mark.slow

IMPORT_AND_DIE = """
import os, signal
from pathlib import Path
from sqlalchemy import Engine, event
from workbench.store.bundle import import_bundle
url, path, deadly = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
statements = 0
store = open_store(url)

def count(*_):
    global statements
    statements += 1
    if statements == deadly:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", count)
import_bundle(store, path, author="bob")
event.remove(Engine, "after_cursor_execute", count)
print(statements)
os.kill(os.getpid(), signal.SIGKILL)
"""


def fill(store):
    """Write a store with all that a bundle can hold: a merge, calls, a recipe, comments, a run."""
    store.recipes.add(a_recipe(), author="ann")
    store.calls.add(a_call(sample=7))  # nobody names it, so that numbers differ elsewhere
    call = store.calls.add(a_call())
    drafted = Attribute(phrase="blocky édges", origin="llm", call_id=call.id, decided_by="bob")
    row = store.draft.add("jpeg", drafted, author="ann")
    store.draft.add("dim", Attribute(phrase="gloomy"), author="ann")
    store.comments.add(row.attribute.identity, "too near to\nrings", author="cleo")
    first = store.draft.attribute_set()
    base = store.versions.freeze(first, message="first", author="ann", alias="base")
    more = {"jpeg": (*first.by_distortion["jpeg"], Attribute(phrase="rings"))}
    ours = AttributeSet(by_distortion={**first.by_distortion, **more})
    store.versions.freeze(ours, message="ours", author="ann", parent="base", alias="ours")
    theirs = AttributeSet(by_distortion={"jpeg": first.by_distortion["jpeg"]})
    store.versions.freeze(theirs, message="theirs", author="bob", parent="base", alias="theirs")
    both = AttributeSet(by_distortion={"jpeg": more["jpeg"]})
    best = store.versions.freeze(
        both, message="both", author="ann", parent="ours", merged="theirs", alias="best"
    )
    store.versions.freeze(a_set(blur=["soft"]), message="aside", author="ann")
    run = store.runs.enqueue(best.hash, CONFIG)
    store.runs.claim("w")
    store.runs.finish(run.id, a_result(best.hash))
    return base, best


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A filled store, and a bundle of its best version."""
    folder = tmp_path_factory.mktemp("source")
    with open_store(f"sqlite:///{folder / 'store.sqlite'}") as store:
        fill(store)
        export_bundle(store, folder / "best.zip", ["best"])
        yield store, folder / "best.zip"


def without_call_numbers(version):
    """All of a version but the numbers of its calls."""
    fields = version.model_dump()
    for some in fields["attributes"]["by_distortion"].values():
        for attribute in some:
            attribute["call_id"] = attribute["call_id"] is not None
    return fields


def test_an_empty_store_takes_in_a_version_with_all_that_bears_it_out(source, store):
    origin, path = source
    done = import_bundle(store, path, author="dora")
    assert (len(done.versions), done.calls, done.recipes, done.comments, done.runs) == (
        4,
        1,
        1,
        1,
        1,
    )
    assert done.aliases == ("base", "best", "ours", "theirs")
    for alias in done.aliases:
        imported, exported = (opened.versions.get(alias) for opened in (store, origin))
        assert without_call_numbers(imported) == without_call_numbers(exported)
    [attribute] = store.versions.get("base").attributes.by_distortion["jpeg"]
    assert store.calls.get(attribute.call_id).reply == a_call().reply
    before, after = (
        [(c.text, c.author, c.at) for c in opened.comments.list(attribute.identity)]
        for opened in (origin, store)
    )
    assert after == before != []
    assert store.recipes.list() == [a_recipe()]
    best = store.versions.get("best").hash
    assert store.runs.find_done(best, CONFIG.hash).result == a_result(best)
    assert store.verify() == []


def test_a_version_can_be_built_upon_where_it_was_imported(source, store):
    import_bundle(store, source[1], author="dora")
    more = a_set(jpeg=["new words"])
    version = store.versions.freeze(more, message="on", author="dora", parent="best")
    run = store.runs.enqueue(version.hash, CONFIG)
    assert store.runs.claim("w").id == run.id
    assert store.verify() == []


@pytest.mark.parametrize("refs", [["best"], ["base"], ["ours", "theirs"]])
def test_what_was_imported_is_exported_with_the_same_bytes(source, store, tmp_path, refs):
    first, again = tmp_path / "first.zip", tmp_path / "again.zip"
    export_bundle(source[0], first, refs)
    store.calls.add(a_call(sample=3))
    import_bundle(store, first, author="dora")
    export_bundle(store, again, refs)
    assert again.read_bytes() == first.read_bytes()
    assert next(event.author for event in read_bundle(again).history) == "ann"


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
PHRASES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(WORDS.map(str.strip).filter(bool), min_size=1, max_size=3), st.data())
def test_any_words_survive_a_bundle(tmp_path_factory, messages, data):
    folder = tmp_path_factory.mktemp("words")
    path = folder / "b.zip"
    with open_store(fresh_database(folder / "store.sqlite")) as store:
        parent = None
        for number, message in enumerate(messages):
            words = a_set(jpeg=[f"{number} {data.draw(PHRASES)}"[:60]])
            frozen = store.versions.freeze(words, message=message, author=message, parent=parent)
            parent = frozen.hash
        export_bundle(store, path, [parent])
        versions = store.versions.list()
    with open_store(fresh_database(folder / "store.sqlite")) as store:
        import_bundle(store, path, author="dora")
        assert store.versions.list() == versions
        assert store.verify() == []


def test_a_second_import_adds_nothing(source, store):
    import_bundle(store, source[1], author="dora")
    done = import_bundle(store, source[1], author="dora")
    assert (done.versions, done.known) == ((), 4)
    assert (done.calls, done.recipes, done.comments, done.runs, done.aliases) == (0, 0, 0, 0, ())
    assert store.verify() == []


def test_a_dry_run_says_what_would_be_new_and_changes_nothing(source, store):
    would = import_bundle(store, source[1], author="dora", dry_run=True)
    assert store.versions.list() == [] == store.runs.list()
    assert (store.calls.count(), store.record.digest()) == (0, "")
    assert import_bundle(store, source[1], author="dora") == would
    assert store.verify() == []


def test_an_alias_that_points_elsewhere_stays_and_is_named(source, store):
    own = store.versions.freeze(a_set(), message="own", author="dora", alias="best")
    done = import_bundle(store, source[1], author="dora")
    assert done.kept_aliases == ("best",)
    assert store.versions.get("best") == own
    assert store.verify() == []


def test_a_recipe_of_the_same_id_and_other_content_refuses_the_import(source, store):
    store.recipes.add(a_recipe(explanation="Quite another."), author="dora")
    before = store.record.digest()
    with pytest.raises(StoreError, match="recipe 'dim' is another than the one that dora added"):
        import_bundle(store, source[1], author="dora")
    assert (store.versions.list(), store.calls.count()) == ([], 0)
    assert store.record.digest() == before


def test_runs_stay_behind_when_asked(source, tmp_path):
    assert export_bundle(source[0], tmp_path / "b.zip", ["best"], with_runs=False).runs == ()
    assert read_bundle(tmp_path / "b.zip").runs == ()


def test_an_export_names_what_it_cannot_do(source, tmp_path):
    with pytest.raises(VersionNotFoundError, match="Did you mean 'best'"):
        export_bundle(source[0], tmp_path / "b.zip", ["bets"])
    with pytest.raises(StoreError, match=r"A bundle is a \.zip file; name it b\.zip\."):
        export_bundle(source[0], tmp_path / "b.tar", ["best"])
    assert list(tmp_path.iterdir()) == []


def test_licences_say_what_is_unknown(source):
    packed = members.unpack(source[1])
    assert "no licence is recorded. Unknown" in packed["licences/TERMS.txt"].decode()
    assert b"Apache License" in packed["licences/program.txt"]
    assert b"Model card" in packed["licences/offline-encoder.md"]


def repack(path, packed):
    with zipfile.ZipFile(path, "w") as made:
        for name, data in packed.items():
            made.writestr(name, data)


def named_anew(packed):
    """Give the manifest the hashes of what the members now hold, as a forger would."""
    manifest = json.loads(packed[members.MANIFEST])
    hashes = {name: members.sha256(data) for name, data in packed.items()}
    hashes.pop(members.MANIFEST)
    packed[members.MANIFEST] = json.dumps(manifest | {"members": hashes}).encode()


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as packed:
        first = packed.infolist()[0]
    data[30 + len(first.filename) + first.compress_size // 2] ^= 1  # inside its packed text
    path.write_bytes(data)


def no_zip(path):
    path.write_bytes(b"attributes: none\n")


def among(change, *, forged=False):
    def spoil(path):
        packed = members.unpack(path)
        change(packed)
        if forged:
            named_anew(packed)
        repack(path, packed)

    return spoil


def replaced(name, old, new):
    def change(packed):
        member = next(key for key in sorted(packed) if key.startswith(name))
        assert old in packed[member]
        packed[member] = packed[member].replace(old, new)

    return change


def without_base(packed):
    packed.pop(next(name for name, data in packed.items() if b'"message": "first"' in data))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (cut, "it is no zip, or only the beginning of one"),
        (no_zip, "it is no zip"),
        (flip, "it is damaged"),
        (among(replaced("README", b"bundle", b"bungle")), "README.txt was changed"),
        (among(lambda packed: packed.pop("calls.jsonl")), "calls.jsonl is missing"),
        (among(lambda packed: packed.update({"more.txt": b""})), "not belong there: more.txt"),
        (among(lambda packed: packed.update({"more.txt": b""}), forged=True), "not belong there"),
        (among(lambda packed: packed.update({"../up.txt": b""})), "unsafe name '../up.txt'"),
        (among(lambda packed: packed.update({"/etc/up": b""})), "unsafe name '/etc/up'"),
        (among(replaced("bundle.json", b"bundle/1", b"bundle/9")), "attribute-bundle/9"),
        (among(lambda packed: packed.pop("bundle.json")), "it has no bundle.json"),
        (among(replaced("versions/", b"ann", b"eve"), forged=True), "its digest does not match"),
        (among(replaced("versions/", b"proposed", b"accepted"), forged=True), "its digest does"),
        (among(replaced("calls", b"tiny-1", b"huge-1"), forged=True), "not match its digest"),
        (among(replaced("runs/", b"0.25", b"0.75"), forged=True), "does not match its hashes"),
        (among(lambda packed: packed.update({"recipes.json": b"{"}), forged=True), "cannot be"),
        (among(without_base, forged=True), "is missing"),
        (among(lambda packed: packed.update({"calls.jsonl": b""}), forged=True), "came from is"),
    ],
)  # fmt: skip
def test_a_faulty_bundle_is_refused_whole_in_one_line(source, tmp_path, spoil, words):
    path = shutil.copy(source[1], tmp_path / "faulty.zip")
    spoil(path)
    with open_store(fresh_database(tmp_path / "store.sqlite")) as store:
        with pytest.raises(StoreError) as refused:
            import_bundle(store, path, author="dora")
        assert words in str(refused.value)
        assert str(refused.value).endswith("None of it was used.")
        assert "\n" not in str(refused.value)
        assert (store.versions.list(), store.calls.count(), store.record.digest()) == ([], 0, "")


def test_a_bundle_that_swells_is_refused(source, tmp_path, monkeypatch):
    path = shutil.copy(source[1], tmp_path / "large.zip")
    monkeypatch.setattr(members, "MOST_BYTES", 20_000)
    with pytest.raises(IntegrityError, match="larger than 0 MB when unpacked"):
        read_bundle(path)


def test_a_bundle_of_very_many_members_is_refused_before_they_are_listed(
    source, tmp_path, monkeypatch
):
    path = shutil.copy(source[1], tmp_path / "long.zip")
    monkeypatch.setattr(members, "MOST_DIRECTORY", 500)
    monkeypatch.setattr(zipfile.ZipFile, "__init__", None)
    with pytest.raises(IntegrityError, match="more members than any bundle"):
        read_bundle(path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StoreError, match=r"none\.zip cannot be used: .*No such file"):
        read_bundle(tmp_path / "none.zip")


def first_digest(version):
    """The digest that programs gave before it named calls by theirs."""
    rows = [
        [d, position, a.phrase, a.origin, a.call_id or 0, a.status]
        for d, attributes in version.attributes.by_distortion.items()
        for position, a in enumerate(attributes)
    ]
    about = version.model_dump(include={"hash", "message", "author", "parent"})
    moment = version.created_at.isoformat()
    record = {**about, "format": "version-seal/1", "created_at": moment, "attributes": rows}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def test_a_first_seal_travels_only_where_no_call_is_named(sqlite_path, raw, tmp_path):
    path = tmp_path / "b.zip"
    with open_store(f"sqlite:///{sqlite_path}") as store:
        call = store.calls.add(a_call())
        raw(sqlite_path, "DROP TRIGGER version_no_update")
        for name, id in (("named", call.id), ("free", None)):
            words = AttributeSet(by_distortion={"jpeg": (Attribute(phrase=name, call_id=id),)})
            version = store.versions.freeze(words, message="m", author="ann", alias=name)
            seal = (
                f"UPDATE version SET seal = '{first_digest(version)}' WHERE hash = '{version.hash}'"
            )
            raw(sqlite_path, seal)
        with pytest.raises(StoreError, match=r"sealed by an earlier program.*freeze again"):
            export_bundle(store, path, ["named"])
        assert not path.exists()
        export_bundle(store, path, ["free"])
    with open_store(f"sqlite:///{tmp_path}/new.sqlite") as store:
        import_bundle(store, path, author="dora")
        assert store.versions.get("free").created_at == version.created_at
        assert store.verify() == []


def everything_in(url):
    with open_store(url) as store:
        assert store.verify() == []
        return (
            store.versions.list(),
            store.calls.count(),
            len(store.runs.list()),
            store.record.digest(),
        )


def test_a_kill_during_an_import_leaves_all_or_nothing(source, tmp_path):
    url = fresh_database(tmp_path / "store.sqlite")
    (tmp_path / "other").mkdir()
    survivor = fresh_database(tmp_path / "other" / "store.sqlite")
    survived = run_together(IMPORT_AND_DIE, (survivor, source[1], 100_000))[0]
    assert survived.said, survived.complaints
    last = int(survived.said[0])
    assert len(everything_in(survivor)[0]) == 4
    before = everything_in(url)
    for deadly in (last, random.Random(0).randint(2, last - 1)):
        killed = run_together(IMPORT_AND_DIE, (url, source[1], deadly))[0]
        assert (killed.status, killed.said) == (-9, []), killed.complaints
        assert everything_in(url) == before
