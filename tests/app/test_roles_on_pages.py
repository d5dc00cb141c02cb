"""Pages as a viewer sees them: all is shown, and what is pressed changes nothing and says why."""

import pytest

from workbench.domain.question import Asked
from workbench.store.tables import METADATA

pytestmark = pytest.mark.slow


@pytest.fixture
def viewer(monkeypatch):
    monkeypatch.setenv("WORKBENCH_ROLE", "viewer")


def content(store):
    with store.database.reading() as session:
        connection = session.connection()
        return {
            name: sorted(map(repr, connection.execute(table.select())))
            for name, table in METADATA.tables.items()
        }


def press(shown, label):
    return next(button for button in shown.button if button.label == label).click().run()


def files(settings):
    return sorted(path for path in settings.home.rglob("*") if "store.sqlite" not in path.name)


def test_the_first_step_is_refused(page, store, viewer):
    before = content(store)
    shown = press(page("home"), "Take the curated set")
    assert "To change anything here takes the role editor, and eva is a viewer" in said(shown)
    assert content(store) == before


@pytest.mark.parametrize(
    ("name", "query", "label"),
    [
        ("runs", {}, "Start a worker"),
        ("settings", {}, "Check everything"),
        ("datasets", {"part": "Generate a set"}, "Generate"),
        ("model", {}, "Dismiss"),
        ("model", {}, "Try again"),
    ],
)
def test_what_a_viewer_presses_changes_nothing_and_says_why(
    link, full_store, settings, monkeypatch, name, query, label
):
    full_store.questions.ask(Asked(distortions=("jpeg",), model="m"), author="ann")
    full_store.questions.end(1, "failed", error="No answer.")
    monkeypatch.setenv("WORKBENCH_ROLE", "viewer")
    shown = link(name, **query)
    before, there = content(full_store), files(settings)
    shown = press(shown, label)
    assert not shown.exception
    assert "takes the role " in said(shown)
    assert content(full_store) == before
    assert files(settings) == there


def test_files_of_the_server_are_an_admins_to_name(link, full_store, settings, viewer):
    (settings.home / "secrets.csv").write_text("image,score\nquite-secret,1\n")
    shown = link("datasets", part="Import a table")
    assert "Path of the CSV" not in [field.label for field in shown.text_input]
    shown = link("datasets", dataset="kadid10k", root=str(settings.home))
    assert "To open another folder of this machine takes the role admin" in said(shown)


def said(shown):
    return " ".join(box.value.replace("\\", "") for box in shown.error)
