"""The page Settings: values and where they come from, checks when pressed, who did what when."""

import pytest

from tests.waiting import wait_until
from workbench.domain.attributes import Attribute
from workbench.queue.jobs import ACTIVE, cancel_job, jobs
from workbench.workflow.exchange import backup_bytes

pytestmark = pytest.mark.slow


def tables(shown):
    assert not shown.exception
    return "".join(box.proto.body for box in shown.get("html") if "<table" in box.proto.body)


def box(shown, label):
    return next(one for one in shown.selectbox if one.label == label)


@pytest.fixture
def no_jobs_left(settings):
    yield
    for job in jobs(settings):
        cancel_job(settings, job)
    wait_until(lambda: not any(j.status in ACTIVE for j in jobs(settings)), "all jobs have ended")


def test_values_are_shown_with_where_they_come_from_and_secrets_are_not(
    page, store, settings, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tell-nobody")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://eva:tell-nobody@models.lab/v1")
    (settings.home / "prices.yaml").write_text("gpt-9: [0.5, 1.25]\n")
    shown = tables(page("settings"))
    assert "OPENAI_BASE_URL" in shown
    assert "https://***@models.lab/v1" in shown
    assert "set, never shown" in shown
    assert "tell-nobody" not in shown
    assert "gpt-9" in shown
    assert "1.25" in shown


def test_nothing_is_checked_before_it_is_pressed(page, store, settings, no_jobs_left, monkeypatch):
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    shown = page("settings")
    assert jobs(settings) == []
    shown = next(b for b in shown.button if b.label == "Check everything").click().run()
    wait_until(lambda: jobs(settings)[0].status == "done", "the check is done")
    found = tables(shown.run())
    assert "✓ works" in found
    assert "offline encoder is the default" in found
    next(b for b in shown.button if b.label == "Verify every hash").click().run()
    wait_until(lambda: jobs(settings)[0].status == "done", "the store is verified")
    assert "Every hash is that of its content" in page("settings").success[0].value
    assert backup_bytes(store).startswith(b"SQLite format 3")


def test_events_are_filtered_by_person_words_and_link(page, link, store):
    store.draft.add("jpeg", Attribute(phrase="small <b>squares"), author="ann")
    store.draft.add("jpeg", Attribute(phrase="smeared tints"), author="bob")
    shown = link("settings", view="Who did what when")
    assert "small &lt;b&gt;squares" in tables(shown)
    shown = box(shown, "Person").select("bob").run()
    assert "squares" not in tables(shown)
    shown = next(f for f in shown.text_input if f.label == "Words").input("no such words").run()
    assert "No event matches" in shown.info[0].value
    linked = link("settings", view="Who did what when", person="ann")
    assert "smeared" not in tables(linked)


def test_an_empty_log_says_so(link, store):
    assert "Nothing happened yet" in link("settings", view="Who did what when").info[0].value
