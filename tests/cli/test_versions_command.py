"""Freezing, comparing, restoring and merging versions with the real command."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.databases import fresh_database
from workbench.cli.difference_text import difference_lines
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.difference import Change
from workbench.domain.edit_effects import EditEffect, Effect
from workbench.store import open_store


@pytest.fixture
def command(workbench, tmp_path, monkeypatch):
    """Return the command in a place of its own; with `--json`, stdout is read."""
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    monkeypatch.setenv("WORKBENCH_AUTHOR", "ann")

    def run(*arguments):
        status, out, err = workbench(*arguments)
        return status, json.loads(out) if "--json" in arguments and out else out, err

    return run


@pytest.fixture
def store(command, tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        yield opened


@pytest.fixture
def edit(store):
    """Reword, remove (None) or, where the phrase is new, add attributes of the draft."""

    def change(distortion="jpeg", **words):
        rows = {row.attribute.phrase: row for row in store.draft.rows(distortion)}
        for old, new in words.items():
            if old not in rows:
                store.draft.add(distortion, Attribute(phrase=new), author="ann")
            elif new is None:
                store.draft.remove(rows[old].id, based_on=rows[old].row_version, author="ann")
            else:
                store.draft.edit(rows[old].id, new, based_on=rows[old].row_version, author="ann")

    return change


@pytest.fixture
def forked(command, store, edit):
    """A version "base" with jpeg and white_noise, and from it "ours" and "theirs"."""
    phrases = {"jpeg": ["tiles", "rings"], "white_noise": ["grain"]}
    store.draft.replace(AttributeSet.from_phrases(phrases), author="ann")
    assert command("freeze", "-m", "first", "--alias", "base")[0] == 0
    edit(tiles="square tiles")
    assert command("freeze", "-m", "exact", "--alias", "ours")[0] == 0
    assert command("versions", "restore", "base")[0] == 0
    edit(new="smears")
    assert command("freeze", "-m", "more", "--alias", "theirs")[0] == 0
    return {name: store.versions.get(name).hash for name in ("base", "ours", "theirs")}


def conflicting(command, edit):
    """Freeze "rival", which words otherwise what "ours" reworded, and what it did not."""
    assert command("versions", "restore", "base")[0] == 0
    edit(tiles="tiny tiles", rings="thin rings")
    assert command("freeze", "-m", "rival", "--alias", "rival")[0] == 0


def test_a_frozen_draft_descends_from_what_it_was_restored_from(command, store, forked):
    assert store.versions.get("ours").parent == forked["base"]
    assert store.versions.get("theirs").parent == forked["base"]
    _, document, _ = command("freeze", "-m", "again", "--json")
    assert document == {
        "version": forked["theirs"], "parent": forked["base"], "attributes": 4,
        "merged": None, "new": False,
    }  # fmt: skip
    assert "as frozen before: more" in command("freeze", "-m", "again")[1]


def test_the_parent_may_be_named(command, store, forked, edit):
    edit(other="blotches")
    _, document, _ = command("freeze", "-m", "more", "--parent", "ours", "--json")
    assert document["parent"] == forked["ours"]


def test_a_rewording_is_known_by_identity_and_marked_word_by_word(command, forked):
    status, document, _ = command("versions", "diff", "base", "ours", "--words", "--json")
    assert (status, list(document)) == (0, ["jpeg"])
    assert document["jpeg"] == {
        "added": [], "removed": [], "reworded": [["tiles", "square tiles"]],
        "reordered": [], "moved": [],
        "words": [[["added", "square"], ["same", "tiles"]]],
    }  # fmt: skip
    assert command("versions", "diff", "base", "ours", "--words")[1] == "~ jpeg: {+square+} tiles\n"
    assert command("versions", "diff", "base", "ours")[1] == "~ jpeg: tiles -> square tiles\n"


def test_every_kind_of_change_has_its_sign(command, store, forked):
    rows = {row.attribute.phrase: row.attribute for row in store.draft.rows()}
    moved = {"jpeg": ("grain", "smears", "tiles"), "white_noise": ("rings",)}
    by_distortion = {name: tuple(rows[p] for p in some) for name, some in moved.items()}
    store.draft.replace(AttributeSet(by_distortion=by_distortion), author="ann")
    assert command("versions", "diff", "theirs", "draft")[1].splitlines() == [
        "> jpeg: grain, from white_noise",
        "^ jpeg: smears, at another place",
        "> white_noise: rings, from jpeg",
    ]


def test_the_word_draft_means_the_working_draft_unless_a_version_is_called_so(command, forked):
    assert command("versions", "diff", "theirs", "draft")[1] == "No difference.\n"
    assert command("versions", "alias", "draft", "base")[0] == 0
    assert command("versions", "diff", "theirs", "draft")[1] == "- jpeg: smears\n"
    assert command("versions", "diff", "theirs", "@draft")[1] == "No difference.\n"


def test_evidence_says_what_stands_behind_each_wording(command, store, forked):
    (row,) = (row for row in store.draft.rows() if row.attribute.phrase == "smears")
    store.draft.set_status(row.id, "accepted", based_on=row.row_version, author="bob")
    store.comments.add(row.attribute.identity, "seen at level 5", author="bob")
    _, document, _ = command("versions", "diff", "ours", "draft", "--evidence", "--json")
    behind = {some["phrase"]: some for some in document["jpeg"]["evidence"]}
    assert list(behind) == ["square tiles", "tiles", "smears"]
    assert [behind[phrase]["versions"] for phrase in behind] == [1, 2, 1]
    _, text, _ = command("versions", "diff", "ours", "draft", "--evidence")
    assert (
        "+ jpeg: smears\n    accepted by bob, expert, 1 comment, in 1 version, 0 finished" in text
    )
    assert "    'square tiles': proposed, expert, 0 comments, in 1 version, 0 finished runs" in text


def test_effects_need_runs(command, forked):
    status, out, err = command("versions", "diff", "base", "draft", "--effects")
    assert (status, out) == (1, "")
    assert "The working draft has no runs" in err
    status, out, err = command("versions", "diff", "base", "ours", "--effects")
    assert (status, out) == (1, "")
    assert "No configuration has been run to its end for all of base, ours" in err


def test_a_rewording_that_the_runs_saw_as_two_edits_shows_both_effects():
    change = Change(added=(), removed=(), reworded=(("haze", "milky veil"),))
    effect = Effect(delta_srcc=0.01, ci=(-0.01, 0.03), p_holm=0.5, verdict="not distinguishable")
    effects = [
        EditEffect(distortion="fog", kind="removed", before="haze", after=None, effect=effect),
        EditEffect(distortion="fog", kind="added", before=None, after="milky veil", effect=effect),
    ]
    assert list(difference_lines({"fog": change}, words=True, effects=effects)) == [
        "~ fog: [-haze-]{+milky veil+}",
        "    removed alone: ΔSRCC +0.010 −0.010 to +0.030, p .500: not distinguishable",
        "    added alone: ΔSRCC +0.010 −0.010 to +0.030, p .500: not distinguishable",
    ]


def test_restoring_over_changes_that_no_version_holds_needs_a_word(command, store, forked, edit):
    edit(other="blotches")
    status, out, err = command("versions", "restore", "ours")
    assert (status, out, err.count("\n")) == (1, "", 1)
    _, document, _ = command("versions", "restore", "ours", "--discard", "--json")
    assert document == {"version": forked["ours"], "attributes": 3}
    assert store.draft.attribute_set().hash == forked["ours"]


def test_a_merge_takes_both_sides_and_has_two_parents(command, store, forked):
    status, document, _ = command(
        "versions", "merge", "ours", "theirs", "-m", "both", "--alias", "best", "--json"
    )
    assert (status, document["new"], document["conflicts"]) == (0, True, [])
    version = store.versions.get("best")
    assert document["version"] == version.hash
    assert (version.parent, version.merged) == (forked["ours"], forked["theirs"])
    assert version.attributes.phrases()["jpeg"] == ("square tiles", "rings", "smears")
    assert f"{forked['ours'][:10]} + {forked['theirs'][:10]}" in command("versions", "list")[1]


def test_a_dry_run_tells_whose_every_change_is_and_freezes_nothing(command, store, forked):
    status, out, _ = command("versions", "merge", "ours", "theirs", "--dry-run")
    assert status == 0
    assert out == "reworded by ours  jpeg: square tiles\nadded by theirs  jpeg: smears\n"
    assert len(store.versions.summaries()) == 3


def test_what_is_merged_already_needs_no_new_version(command, forked):
    status, out, _ = command("versions", "merge", "ours", "base", "-m", "again")
    assert (status, forked["ours"] in out, "no new version" in out) == (0, True, True)


def test_conflicts_freeze_nothing_and_say_how_to_go_on(command, store, forked, edit):
    conflicting(command, edit)
    status, out, err = command("versions", "merge", "ours", "rival", "-m", "both")
    assert (status, out) == (1, "")
    assert "jpeg: both reworded; ours|theirs|both\n" in err
    assert "    base 'tiles', ours 'square tiles', theirs 'tiny tiles'\n" in err
    assert err.splitlines()[-1] == (
        "workbench: Merging rival into ours leaves 1 conflict; nothing was frozen. Resolve each "
        "with --resolve ID=ours or ID=theirs, or all with --prefer."
    )
    status, document, err = command("versions", "merge", "ours", "rival", "-m", "both", "--json")
    assert (status, document["version"], err.count("\n")) == (1, None, 1)
    assert len(store.versions.summaries()) == 4
    (conflict,) = document["conflicts"]
    answer = f"{conflict['id'][:10]}=both"
    assert command("versions", "merge", "ours", "rival", "-m", "m", "--resolve", answer)[0] == 0
    newest = store.versions.list()[0].attributes.phrases()
    assert newest["jpeg"] == ("square tiles", "tiny tiles", "thin rings")


@pytest.mark.parametrize(("side", "phrase"), [("ours", "square tiles"), ("theirs", "tiny tiles")])
def test_one_side_can_be_preferred(command, store, forked, edit, side, phrase):
    conflicting(command, edit)
    merge = ("versions", "merge", "ours", "rival", "-m", "m", "--prefer", side, "--json")
    version = store.versions.get(command(*merge)[1]["version"])
    assert version.attributes.phrases()["jpeg"] == (phrase, "thin rings")


def test_versions_without_a_common_ancestor_need_a_base(command, store, forked):
    store.versions.freeze(
        AttributeSet.from_phrases({"jpeg": ["tiles", "squares"]}),
        message="elsewhere", author="bob", alias="other",
    )  # fmt: skip
    status, _, err = command("versions", "merge", "ours", "other", "-m", "both")
    assert (status, err.count("\n")) == (1, 1)
    assert "Versions ours and other share no ancestor. Name the version" in err
    assert command("versions", "merge", "ours", "other", "-m", "both", "--base", "base")[0] == 0


@pytest.mark.parametrize(
    "arguments", [("-m", "both", "--resolve", "abcd"), ("-m", "both", "--resolve", "abcd=x"), ()]
)
def test_a_merge_that_is_not_well_put_is_wrong_usage(command, forked, arguments):
    assert command("versions", "merge", "ours", "theirs", *arguments)[0] == 2


def test_verify_names_what_was_altered(command, forked, store, tmp_path):
    assert command("versions", "verify")[:2] == (0, "The store is intact.\n")
    assert command("versions", "verify", "--json")[1] == {"problems": []}
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as other, other:
        other.execute("UPDATE draft_attribute SET phrase = 'rungs' WHERE phrase = 'rings'")
    status, document, _ = command("versions", "verify", "--json")
    assert (status, len(document["problems"])) == (1, 1)
    assert "jpeg: 'rungs'" in document["problems"][0]
