"""Questions to language models with the real command; a service answers, in this process."""

import json

import pytest

from tests.databases import fresh_database
from tests.drafting.behaviours import FIVE, lists
from tests.drafting.conftest import scripted
from workbench.domain.question import Asked
from workbench.store import open_store

__all__ = ["scripted"]


@pytest.fixture
def store(tmp_path):
    with open_store(fresh_database(tmp_path / "store.sqlite")) as opened:
        yield opened


@pytest.fixture
def command(workbench, store, scripted, monkeypatch, tmp_path):
    """Return the command beside a service; with `--json`, stdout is read."""
    monkeypatch.setenv("WORKBENCH_DB", store.url)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_AUTHOR", "ann")
    monkeypatch.setenv("OPENAI_BASE_URL", scripted.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("WORKBENCH_MODEL", "asked-model")
    scripted.behaviours = [lists(*FIVE)]

    def run(*arguments):
        status, out, err = workbench("questions", *arguments)
        return status, json.loads(out) if "--json" in arguments and out else out, err

    return run


@pytest.fixture
def answered(command, store):
    asked = Asked(distortions=("jpeg",), model="asked-model", samples=1)
    question, _ = store.questions.ask(asked, author="ann")
    status, out, _ = command("answer", str(question.id), "--json")
    assert (status, out["status"], out["answers"]["jpeg"]["samples"]) == (0, "done", 1)
    return question


def test_an_estimate_asks_nothing_and_knows_what_the_log_has(command, store, answered, scripted):
    scripted.received.clear()
    _, out, _ = command("estimate", "jpeg", "--samples", "2", "--json")
    assert (out["calls"], out["recalled"], scripted.received) == (1, 1, [])
    assert command("estimate", "jpegg")[0] == 1


def test_candidates_are_taken_in_their_own_or_other_words_and_rejected(command, store, answered):
    _, listed, _ = command("candidates", "jpeg", "--json")
    assert {row["phrase"] for row in listed} == set(FIVE)
    _, taken, _ = command("take", "jpeg", FIVE[0], "--as", "edges as if breathed upon", "--json")
    assert (taken["phrase"], taken["status"]) == ("edges as if breathed upon", "accepted")
    assert command("reject", "jpeg", FIVE[1])[:2] == (0, f"jpeg: {FIVE[1]} (rejected)\n")
    status, _, err = command("take", "jpeg", "what nobody has said")
    assert status == 1
    assert "No model has answered 'what nobody has said' about jpeg." in err
    rows = [(r.attribute.status, r.attribute.origin, r.updated_by) for r in store.draft.rows()]
    assert rows == [("accepted", "expert", "ann"), ("rejected", "llm", "ann")]


def test_questions_are_listed_shown_and_cancelled(command, store, answered):
    asked = Asked(distortions=("jpeg",), model="asked-model", samples=3)
    waiting, _ = store.questions.ask(asked, author="bob")
    assert [row["status"] for row in command("list", "--json")[1]] == ["asking", "done"]
    assert command("cancel", str(waiting.id))[1] == f"question {waiting.id} is cancelled\n"
    again = command("cancel", str(answered.id))[1]
    assert again == f"question {answered.id} had ended already (done)\n"
    assert "1 of 1" in command("show", str(answered.id))[1]
    assert command("forget", str(waiting.id))[1] == f"question {waiting.id} is forgotten\n"
    assert [row["id"] for row in command("list", "--json")[1]] == [answered.id]
    status, _, err = command("show", "99")
    assert (status, "There is no question 99" in err) == (1, True)
