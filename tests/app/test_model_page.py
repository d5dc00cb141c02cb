"""The page Draft with a model: what is asked, what it would take, and what came of it."""

import pytest

from workbench.domain.question import Asked, TypeAnswers
from workbench.store.workers import worker_name

pytestmark = pytest.mark.slow


@pytest.fixture
def service(monkeypatch):
    """A model that is set up and never asked."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("WORKBENCH_MODEL", "some-model")


def plain(elements):
    return [element.value.replace("\\", "").replace("\N{WORD JOINER}", "") for element in elements]


def failed(store, **types):
    asked = Asked(distortions=tuple(types), model="some-model")
    question, _ = store.questions.ask(asked, author="<b>ann</b>")
    store.questions.take(question.id, "host:1")
    answers = {id: TypeAnswers(error=error) for id, error in types.items()}
    store.questions.report(question.id, "host:1", answers)
    store.questions.end(question.id, "done", worker="host:1")
    return question


def test_types_without_attributes_are_chosen_at_once_and_estimated(page, full_store, service):
    shown = page("model")
    known = set(full_store.recipes.catalogue())
    without = known - set(full_store.draft.attribute_set().distortions)
    button = next(b for b in shown.button if b.label.startswith("Those without"))
    assert button.label == f"Those without attributes ({len(without)})"
    shown = button.click().run() if without else shown.multiselect[0].select("jpeg").run()
    assert set(shown.multiselect[0].value) == (without or {"jpeg"})
    (estimate,) = [text for text in plain(shown.caption) if "requests, about" in text]
    assert estimate.startswith(f"{3 * len(without or {'jpeg'})} requests, about ")
    assert "no price is set" in estimate


def test_the_prompt_is_shown_as_it_will_be_sent(page, full_store, service):
    shown = page("model").multiselect[0].select("jpeg").run()
    assert "JPEG" in shown.code[-1].value


def test_what_the_service_said_stands_beside_its_type_and_can_be_tried_again(page, full_store):
    failed(full_store, jpeg="The language model says *no* to <b>you</b>.", fog="Too many requests.")
    shown = page("model")
    assert plain(shown.error) == [
        "JPEG: The language model says *no* to <b>you</b>.",
        "fog: Too many requests.",
    ]
    assert "Try again" in [button.label for button in shown.button]
    assert "Some types could not be asked about; 0 of 6 answers are there." in plain(shown.caption)
    shown = next(button for button in shown.button if button.label == "Dismiss").click().run()
    assert not shown.error
    assert full_store.questions.list() == []


def test_a_question_whose_process_is_gone_is_said_to_have_ended(page, full_store):
    question, _ = full_store.questions.ask(
        Asked(distortions=("jpeg",), model="some-model"), author="ann"
    )
    full_store.questions.take(question.id, worker_name(2**22 - 1))  # no process has this number
    shown = page("model")
    assert full_store.questions.get(question.id).status == "interrupted"
    assert any("The process that asked has ended" in text for text in plain(shown.caption))
