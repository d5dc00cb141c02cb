"""The working draft through the real command: in and out of files, and single edits."""

import json

import pytest

from tests.databases import fresh_database
from workbench.domain.attributes import Attribute
from workbench.settings import read_settings
from workbench.store import open_store

from ..store.store_examples import a_call


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The store that the command works with."""
    url = fresh_database(tmp_path / "store.sqlite")
    monkeypatch.setenv("WORKBENCH_DB", url)
    monkeypatch.setenv("WORKBENCH_AUTHOR", "ann")
    assert read_settings().author == "ann"
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def done(workbench):
    """Run a command that succeeds and return its JSON document."""

    def run(*arguments):
        status, out, err = workbench("attributes", *arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return run


def draft(store, *phrases, distortion="jpeg", **fields):
    return [
        store.draft.add(distortion, Attribute(phrase=phrase, **fields), author="ann")
        for phrase in phrases
    ]


def phrases(store):
    return [row.attribute.phrase for row in store.draft.rows()]


def test_list_shows_what_an_edit_is_based_on_and_can_be_narrowed(store, done):
    specks, _ = draft(store, "specks", "tiles")
    draft(store, "haze", distortion="gaussian_blur")
    store.draft.set_status(specks.id, "accepted", based_on=1, author="bob")
    store.comments.add(specks.attribute.identity, "good one", author="bob")
    assert done("list", "--distortion", "jpeg", "--status", "accepted") == [
        {
            "id": specks.id,
            "distortion": "jpeg",
            "phrase": "specks",
            "origin": "expert",
            "call_id": None,
            "status": "accepted",
            "identity": specks.attribute.identity,
            "decided_by": "bob",
            "row_version": 2,
            "comments": 1,
        }
    ]
    assert len(done("list")) == 3


@pytest.mark.parametrize(
    ("narrowed", "message"),
    [
        (("--status", "acepted"), "Unknown status 'acepted'. Did you mean 'accepted'?"),
        (("--distortion", "jpg"), "Unknown distortion 'jpg'. Did you mean 'jpeg'?"),
    ],
)
def test_list_says_which_name_was_meant(store, workbench, narrowed, message):
    status, out, err = workbench("attributes", "list", *narrowed)
    assert (status, out, err) == (1, "", f"workbench: {message}\n")


@pytest.mark.parametrize("name", ["set", "set.json", "set.csv"])
def test_what_was_exported_comes_back_with_review_and_calls(store, done, tmp_path, name):
    call = store.calls.add(a_call())
    draft(store, "specks", "=1+1", call_id=call.id, origin="llm")
    (row, *_) = store.draft.rows()
    store.draft.set_status(row.id, "accepted", based_on=1, author="bob")
    before = store.draft.attribute_set()
    done("export", tmp_path / name)
    for row in store.draft.rows():
        store.draft.remove(row.id, based_on=row.row_version, author="ann")
    read = done("import", tmp_path / name)
    assert (read["distortions"], read["attributes"], read["calls_left_out"]) == (["jpeg"], 2, 0)
    assert store.draft.attribute_set() == before


def test_a_comment_that_cuts_a_phrase_is_warned_of_and_nothing_else_changes(
    store, workbench, done, tmp_path
):
    file = tmp_path / "jpeg.yaml"
    file.write_text("distortion: jpeg\nattributes:\n  - blocks # like tiles\n")
    warning = (
        "jpeg.yaml, line 3: '# like tiles' is a comment, so the text is 'blocks'; put quotes "
        "around all of it to keep it"
    )
    status, _, err = workbench("attributes", "import", file)
    assert (status, err) == (0, f"warning: {warning}\n")
    assert phrases(store) == ["blocks"]
    assert done("import", file)["warnings"] == [warning]
    file.write_text("distortion: jpeg\nattributes:\n  - 'blocks # like tiles'\n")
    assert done("import", file)["warnings"] == []
    assert phrases(store) == ["blocks # like tiles"]


def test_of_many_warnings_the_first_are_printed_and_json_has_all(workbench, done, tmp_path, store):
    file = tmp_path / "jpeg.yaml"
    lines = "".join(f"  - {number} px # wide\n" for number in range(25))
    file.write_text(f"distortion: jpeg\nattributes:\n{lines}")
    _, _, err = workbench("attributes", "import", file, "--dry-run")
    assert err.count("warning: ") == 20
    assert err.endswith("and 5 more warnings; --json has all\n")
    assert len(done("import", file, "--dry-run")["warnings"]) == 25


@pytest.mark.parametrize(
    ("form", "opening"), [("yaml", "distortion: jpeg"), ("csv", '\ufeff"dist')]
)
def test_export_to_stdout_prints_the_set_and_nothing_else(store, workbench, form, opening):
    draft(store, "specks")
    status, out, err = workbench("attributes", "export", "-", "--as", form)
    assert (status, out.startswith(opening), err) == (0, True, "")


def test_export_names_files_that_it_did_not_write(store, workbench, tmp_path):
    draft(store, "specks")
    (tmp_path / "old.yaml").write_text("")
    _, _, err = workbench("attributes", "export", tmp_path)
    assert "also holds old.yaml, which this export did not write" in err


def test_a_dry_run_shows_the_difference_and_changes_nothing(store, workbench, done, tmp_path):
    draft(store, "specks", "tiles", "rings")
    file = tmp_path / "jpeg.yaml"
    file.write_text(
        "distortion: jpeg\nattributes: [{phrase: tiles, origin: expert, status: accepted}, haze]"
    )
    _, out, _ = workbench("attributes", "import", file, "--dry-run")
    assert out.splitlines() == [
        "- jpeg: specks",
        "- jpeg: rings",
        "+ jpeg: haze",
        "= jpeg: tiles (status: proposed -> accepted)",
        "would be 2 attributes of 1 distortions",
    ]
    assert done("import", file, "--dry-run")["dry_run"] is True
    assert phrases(store) == ["specks", "tiles", "rings"]


def test_an_import_leaves_other_distortions_alone_and_is_undone_whole(store, done, tmp_path):
    draft(store, "specks", "tiles")
    draft(store, "haze", distortion="gaussian_blur")
    (tmp_path / "set.csv").write_text("distortion,phrase\njpeg,rings\njpeg,halos\n")
    done("import", tmp_path / "set.csv")
    assert phrases(store) == ["haze", "rings", "halos"]
    done("undo")
    assert phrases(store) == ["haze", "specks", "tiles"]


def test_unknown_distortions_of_all_files_are_named_together(store, workbench, tmp_path):
    for name in ("jpg", "gausian_blur", "jpeg"):
        (tmp_path / f"{name}.yaml").write_text(f"distortion: {name}\nattributes: [haze]\n")
    status, out, err = workbench("attributes", "import", tmp_path)
    assert (status, out) == (1, "")
    assert "jpg.yaml, line 1: Unknown distortion 'jpg'. Did you mean 'jpeg'?" in err
    assert "gausian_blur.yaml, line 1: Unknown distortion 'gausian_blur'" in err
    assert phrases(store) == []


def test_calls_that_the_log_lacks_are_left_out_and_said(store, workbench, tmp_path):
    text = "".join(f"jpeg,haze {n},{str(n) * 64}\n" for n in (1, 2, 3))
    (tmp_path / "set.csv").write_text(f"distortion,phrase,call\n{text}")
    status, _, err = workbench("attributes", "import", tmp_path / "set.csv")
    assert status == 0
    assert err == (
        "3 attributes name calls that are not in this store's log, and left out; import the log "
        "or bundle first to keep them.\n"
    )
    assert {row.attribute.call_id for row in store.draft.rows()} == {None}


def test_single_edits_take_number_or_identity(store, done):
    specks, tiles = draft(store, "specks", "tiles")
    assert done("set", specks.id, "--status", "accepted")["decided_by"] == "ann"
    assert done("set", tiles.attribute.identity[:8], "--phrase", "Squares.")["phrase"] == "squares"
    done("move", tiles.id, 0)
    assert phrases(store) == ["squares", "specks"]
    assert done("remove", specks.id)["identity"] == specks.attribute.identity
    assert phrases(store) == ["squares"]


def test_an_attribute_is_given_to_another_type_and_stays_the_same(store, done):
    (specks,) = draft(store, "specks")
    given = done("set", specks.id, "--distortion", "jpeg2000")
    assert (given["distortion"], given["identity"]) == ("jpeg2000", specks.attribute.identity)
    done("undo")
    assert phrases(store) == ["specks"]


def test_photographs_are_prepared_once(store, done, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    assert done("prepare", "brighten") == {"prepared": ["brighten"]}
    assert done("prepare", "brighten") == {"prepared": []}
    assert done("prepare") == {"prepared": []}  # the draft is empty


def test_comments_and_history_outlive_the_draft(store, done):
    (specks,) = draft(store, "specks")
    identity = specks.attribute.identity
    assert done("comment", specks.id, "not in all of them", "--author", "bob")["author"] == "bob"
    done("remove", specks.id)
    assert [said["text"] for said in done("comments", identity)] == ["not in all of them"]
    assert [entry["kind"] for entry in done("history", identity)] == ["add", "comment", "remove"]


def test_undo_takes_back_the_authors_own_edits_one_after_the_other(store, done):
    specks, tiles = draft(store, "specks", "tiles")
    store.draft.edit(specks.id, "dots", based_on=1, author="ann")
    store.draft.edit(tiles.id, "squares", based_on=1, author="bob")
    assert [event["action"] for event in done("undo")] == ["undo edit"]
    assert phrases(store) == ["specks", "squares"]
    assert done("undo", "--author", "bob")[0]["before"]["phrase"] == "squares"
    assert [event["action"] for event in done("undo")] == ["undo add"]
    assert phrases(store) == ["specks"]


@pytest.mark.parametrize(("whole", "left"), [((), ["rings"]), (("--change",), [])])
def test_undo_of_an_event_takes_its_change_along_if_asked(store, done, tmp_path, whole, left):
    (tmp_path / "set.csv").write_text("distortion,phrase\njpeg,rings\njpeg,halos\n")
    done("import", tmp_path / "set.csv")
    (newest,) = store.record.events(limit=1)
    done("undo", newest.id, *whole)
    assert phrases(store) == left


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("set", "77", "--status", "accepted"), 1, "The draft has no attribute '77'"),
        (("set", "abc", "--phrase", "haze"), 1, "a prefix has 4 digits or more"),
        (("set", "1", "--status", "fine"), 1, "'fine' is no status"),
        (("set", "1"), 2, "say one of --status, --phrase and --distortion"),
        (("set", "1", "--distortion", "jpg"), 1, "Unknown distortion 'jpg'. Did you mean 'jpeg'"),
        (("prepare", "jpg"), 1, "Unknown distortion 'jpg'"),
        (("comment", "1", " "), 1, "A comment needs words"),
        (("undo", "--author", "cid"), 1, "There is no edit of cid to undo. Nothing was changed."),
        (("undo", "99"), 1, "The record has no event 99"),
        (("undo", "99", "--change"), 1, "The record has no event 99"),
        (("export", "-", "--as", "csv", "--json"), 2, "leave it out for another form"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    store, workbench, arguments, status, message
):
    draft(store, "specks")
    ended, out, err = workbench("attributes", *arguments)
    assert (ended, out) == (status, "")
    assert message in " ".join(err.split())
    assert phrases(store) == ["specks"]


def test_an_attribute_is_written_behind_those_of_its_distortion(store, done, workbench):
    draft(store, "hard tiles")
    added = done("add", "jpeg", "muddy colours")
    assert (added["phrase"], added["origin"], added["status"]) == (
        "muddy colours",
        "expert",
        "proposed",
    )
    assert [row.attribute.phrase for row in store.draft.rows("jpeg")] == [
        "hard tiles",
        "muddy colours",
    ]
    status, _, err = workbench("attributes", "add", "jpeg", " ")
    assert (status, "cannot be used" in err) == (1, True)


def test_the_set_that_ships_is_imported_by_its_name(store, done):
    assert done("import", "curated")["attributes"] == store.draft.attribute_set().size > 100
