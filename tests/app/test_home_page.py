"""The page Home: where things stand, and a way to each thing that is open."""

import pytest

from tests.waiting import PATIENCE_S
from workbench.app.services import board_of
from workbench.domain.attributes import Attribute
from workbench.workflow.access import record_run_access
from workbench.workflow.overview import overview

pytestmark = pytest.mark.slow


def links(shown):
    return [element.proto.label for element in shown.get("page_link")]


def texts(shown):
    return [element.value.replace("\\", "") for element in shown.markdown]


def test_an_empty_store_is_three_steps_and_the_first_is_one_press(page, store):
    shown = page("home")
    assert [box.value for box in shown.subheader] == [
        "1. Say what one sees of each distortion",
        "2. Freeze a version",
        "3. Run it",
    ]
    shown = next(b for b in shown.button if b.label == "Take the curated set").click().run()
    assert not shown.error
    assert "attributes of 52 distortions are in the draft" in shown.success[0].value
    assert store.draft.attribute_set().size > 200
    assert shown.subheader[0].value.endswith("done")


def test_what_is_open_is_said_with_a_way_to_it(page, full_store):
    shown = page("home")
    assert "1 run ended without figures." in texts(shown)
    assert "261 attributes wait to be judged." in texts(shown)
    assert {"See why", "See what changed", "Compare"} <= set(links(shown))


def test_the_best_version_is_of_figures_that_were_opened_and_opening_home_accesses_nothing(
    page, full_store
):
    from workbench.evaluation.comparable import ComparedRuns

    assert overview(full_store).best == ()
    (weaker,) = full_store.runs.list(full_store.versions.get("draft").hash)[1:]
    runs = ComparedRuns.of([full_store.runs.get(weaker.id)], ["draft"])
    record_run_access(full_store, runs, purpose="runs show", author="ann")
    before = len(full_store.access_log.list())
    (best,) = overview(full_store).best
    assert best.version == full_store.versions.get("draft").hash
    assert not page("home").exception
    assert len(full_store.access_log.list()) == before


def test_findings_are_counted_after_the_page_is_drawn(page, store):
    store.draft.add("jpeg", Attribute(phrase="JPEG artifacts"), author="ann")
    shown = page("home")
    assert "The words of the draft are being checked: 1 to go…" in [c.value for c in shown.caption]
    board_of(store, store.url).refresh()
    board_of(store, store.url).check(PATIENCE_S)
    assert any("2 findings on the words of the draft (" in text for text in texts(shown.run()))


def test_an_overview_counts_types_that_have_only_rejected_attributes_as_without(store):
    row = store.draft.add("jpeg", Attribute(phrase="small squares"), author="ann")
    assert "jpeg" not in overview(store).without_attributes
    store.draft.set_status(row.id, "rejected", based_on=row.row_version, author="ann")
    assert "jpeg" in overview(store).without_attributes
