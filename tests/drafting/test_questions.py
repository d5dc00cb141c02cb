"""Questions in the background: a process each, noticed when it dies, broken off when cancelled."""

import json

import psutil
import pytest

from tests.databases import fresh_database
from tests.waiting import wait_until
from workbench.domain.question import Asked
from workbench.errors import StoreError, UnknownNameError
from workbench.settings import read_settings
from workbench.store import open_store
from workbench.workflow.questions import (
    ask_again,
    estimate,
    model_choices,
    notice_dead,
    start_question,
)

from .behaviours import FIVE, by_words, fails, lists, stalls_before_headers

ASKED = Asked(distortions=("jpeg", "gaussian_blur"), model="asked-model", samples=2)


@pytest.fixture
def settings(scripted, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_BASE_URL", scripted.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("WORKBENCH_MODEL", "asked-model")
    scripted.behaviours = [lists(*FIVE)]
    return read_settings()


@pytest.fixture
def store(settings):
    with open_store(settings.database_url) as opened:
        yield opened


def process_of(question):
    return psutil.Process(int(question.worker.rpartition(":")[2]))


def ended(store, id):
    """Wait until a question has ended, and return it."""

    def has_ended():
        notice_dead(store)
        return store.questions.get(id).status != "asking"

    wait_until(has_ended, f"question {id} has ended")
    return store.questions.get(id)


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_an_estimate_needs_no_earlier_call(store, settings):
    settings = settings.model_copy(update={"prices": {"asked-model": (1.0, 2.0)}})
    before = estimate(store, ASKED, settings=settings)
    assert (before.calls, before.recalled, before.measured, before.seconds) == (4, 0, 0, None)
    assert before.prompt_tokens > 400
    tokens = before.prompt_tokens + 2 * before.completion_tokens
    assert before.cost_usd == pytest.approx(tokens / 1e6)


@pytest.mark.process
def test_a_question_is_answered_in_the_background_and_not_asked_twice(store, settings, scripted):
    question, is_new = start_question(store, ASKED, settings=settings, author="eva")
    again, is_new_again = start_question(store, ASKED, settings=settings, author="bob")
    assert (is_new, is_new_again, again.id, again.author) == (True, False, question.id, "eva")
    done = ended(store, question.id)
    assert (done.status, done.error) == ("done", None)
    assert {id: each.samples for id, each in done.answers.items()} == {
        "jpeg": 2,
        "gaussian_blur": 2,
    }
    assert store.calls.count() == len(scripted.received) == 4
    after = estimate(store, ASKED.model_copy(update={"samples": 3}), settings=settings)
    assert (after.calls, after.recalled, after.measured) == (2, 4, 4)
    assert after.completion_tokens == 2 * 9
    assert after.seconds > 0


@pytest.mark.process
def test_a_cancelled_question_breaks_off_what_it_waits_for(store, settings, scripted):
    scripted.behaviours = [stalls_before_headers]
    question, _ = start_question(store, ASKED, settings=settings, author="eva")
    process = process_of(question)
    wait_until(lambda: scripted.received, "the model is being asked")
    assert store.questions.end(question.id, "cancelled")
    wait_until(lambda: is_gone(process), "the process has ended")
    assert store.questions.get(question.id).status == "cancelled"
    assert not store.questions.end(question.id, "cancelled")


@pytest.mark.process
def test_a_killed_question_is_noticed_and_asked_again_for_what_lacks(store, settings, scripted):
    scripted.behaviours = [by_words(jpeg=lists(*FIVE), blur=stalls_before_headers)]
    question, _ = start_question(store, ASKED, settings=settings, author="eva")
    wait_until(lambda: store.calls.count() == 2, "one type is answered")
    with pytest.raises(StoreError, match=f"Question {question.id} is being asked"):
        ask_again(store, question.id, settings=settings)
    process_of(question).kill()
    assert ended(store, question.id).status == "interrupted"
    scripted.received.clear()
    scripted.behaviours = [lists(*FIVE)]
    ask_again(store, question.id, settings=settings)
    assert ended(store, question.id).status == "done"
    assert len(scripted.received) == 2


@pytest.mark.process
def test_what_the_service_says_is_kept_for_each_type_and_stops_no_other(store, settings, scripted):
    scripted.behaviours = [by_words(jpeg=fails(403, "no such plan"), blur=lists(*FIVE))]
    question, _ = start_question(store, ASKED, settings=settings, author="eva")
    done = ended(store, question.id)
    assert done.status == "done"
    assert list(done.errors) == ["jpeg"]
    assert "refused access (403: no such plan)" in done.errors["jpeg"]
    scripted.behaviours = [fails(401)]
    alone = ASKED.model_copy(update={"distortions": ("jpeg",), "samples": 1})
    question, _ = start_question(store, alone, settings=settings, author="eva")
    failed = ended(store, question.id)
    assert failed.status == "failed"
    assert "refused the key (401)" in failed.error


def test_what_there_is_not_is_not_asked_about(store, settings):
    unknown = ASKED.model_copy(update={"distortions": ("jpegg",)})
    with pytest.raises(UnknownNameError, match="Did you mean 'jpeg'"):
        start_question(store, unknown, settings=settings, author="eva")
    assert store.questions.list() == []
    with pytest.raises(StoreError, match="There is no question 7"):
        store.questions.get(7)


def test_the_models_are_those_of_the_settings_and_the_local_one(settings, monkeypatch):
    monkeypatch.setenv("WORKBENCH_MODEL_OPTIONS", json.dumps({"models": {"third": {}}}))
    both = read_settings().model_copy(update={"prices": {"second": (1.0, 1.0)}})
    choices = model_choices(both)
    assert [c.name for c in choices if not c.local] == ["asked-model", "second", "third"]
    assert [c.local for c in choices].count(True) <= 1
    alone = model_choices(both.model_copy(update={"api_key": None, "base_url": None}))
    assert all(choice.local for choice in alone)
