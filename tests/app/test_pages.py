"""Every page that there is, found by itself."""

from itertools import pairwise

import pytest

import workbench.app.pages
from workbench.registry import discover

pytestmark = pytest.mark.slow

HEADINGS = ("title", "header", "subheader")
PAGES = {module.__name__.rpartition(".")[2]: module for module in discover(workbench.app.pages)}


def test_there_are_pages_and_each_says_its_title_icon_and_place():
    assert {"distortions", "curate", "versions", "runs", "compare"} <= set(PAGES)
    orders = [page.ORDER for page in PAGES.values()]
    assert len(set(orders)) == len(orders)
    for page in PAGES.values():
        assert page.TITLE
        assert page.ICON.startswith(":material/")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_renders_with_an_empty_database(page, store, name):
    shown = page(name)
    assert not shown.exception
    assert not shown.error
    assert shown.title[0].value == PAGES[name].TITLE
    levels = [int(part.tag[1]) for part in shown.main if part.type in HEADINGS]
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_renders_with_a_full_database(page, full_store, name):
    shown = page(name)
    assert not shown.exception
    assert [box.value for box in shown.error] == (
        ["The loss is no finite number in epoch 3; lower tuning\\.learning\\_rate\\."]
        if name == "runs"
        else []
    )


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_database_that_cannot_be_opened_is_one_plain_line(page, settings, name, monkeypatch):
    broken = settings.home / "broken.sqlite"
    broken.write_text("this is no database, only some text " * 50)
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{broken}")
    shown = page(name)
    monkeypatch.setenv("WORKBENCH_DB", settings.database_url)
    assert not shown.exception
    assert len(shown.error) == 1
    assert "is no SQLite database" in shown.error[0].value
