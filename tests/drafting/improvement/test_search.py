"""Planted faults are replaced, good sentences stay, and whatever the model does nothing is lost."""

import pytest

from workbench.drafting.improvement.exchange import text_rules
from workbench.drafting.improvement.search import Budget, search
from workbench.errors import DraftParseError, LLMRequestError

from .conftest import GOOD, PLANTED, TYPES, planted


@pytest.fixture
def sought(bench):
    def run(attributes, ask, *, wanted=TYPES, rounds=1, budget=None, seed=0):
        return search(
            attributes, bench, ask, wanted=wanted, rounds=rounds, budget=budget or Budget(),
            seed=seed, progress=lambda share, what: None,
        )  # fmt: skip

    return run


def test_planted_faults_are_replaced_and_nothing_else(sought, answers):
    found = sought(planted(), answers())
    assert {(change.distortion, change.place) for change in found.changes} == set(PLANTED)
    assert all(change.old == PLANTED[change.distortion, change.place] for change in found.changes)
    assert found.tried == 15
    reasons = {change.distortion: change.reason for change in found.changes}
    assert reasons["gaussian_blur"] == f"Says the same as '{GOOD['gaussian_blur'][0]}'."
    assert "invoice" not in " ".join(change.new for change in found.changes)
    assert "JPEG" not in " ".join(change.new for change in found.changes)


def test_each_sentence_names_the_call_that_wrote_it(sought, answers):
    found = sought(planted(), answers())
    calls = {change.distortion: change.call_id for change in found.changes}
    assert sorted(calls.values()) == [1, 2, 3]


def test_nobody_is_asked_about_sentences_that_are_good(sought, answers):
    from workbench.domain.attributes import AttributeSet

    ask = answers()
    found = sought(AttributeSet.from_phrases(GOOD), ask)
    assert (found.changes, found.tried, ask.asked) == ((), 0, [])


def test_only_the_types_that_are_wanted_are_asked_about(sought, answers):
    ask = answers()
    found = sought(planted(), ask, wanted=("jpeg",), rounds=2)
    assert {change.distortion for change in found.changes} == {"jpeg"}
    assert {d for d, _, _ in ask.asked} == {"jpeg"}


def test_the_same_seed_gives_the_same_result(sought, answers):
    assert sought(planted(), answers(), rounds=2) == sought(planted(), answers(), rounds=2)


def test_the_model_is_told_what_was_measured(sought, answers):
    ask = answers()
    sought(planted(), ask, wanted=("white_noise",))
    (_, context, turn) = ask.asked[0]
    assert turn == 0
    assert context.kept == tuple(GOOD["white_noise"][1:])
    ((phrase, words),) = context.evidence
    assert phrase == PLANTED["white_noise", 0]
    assert "White noise" in words


def test_a_second_question_names_what_was_tried(sought, answers):
    ask = answers(useless=True)
    sought(planted(), ask, wanted=("jpeg",), rounds=2)
    assert [context.tried for _, context, _ in ask.asked] == [
        (),
        tuple(f"paid invoice number {n} of the tax office" for n in range(5)),
    ]


def test_useless_sentences_change_nothing(sought, answers):
    found = sought(planted(), answers(useless=True))
    assert (found.changes, found.fault) == ((), None)
    assert found.tried == 15


def test_a_reply_that_nobody_can_read_changes_nothing(sought, answers):
    ask = answers(fault=DraftParseError("no list", "Sorry."))
    found = sought(planted(), ask)
    assert (found.changes, found.tried, found.fault) == ((), 0, None)
    assert len(ask.asked) == 3  # every type was asked about


def test_a_model_that_cannot_be_reached_ends_the_search_with_its_fault(sought, answers):
    ask = answers(fault=LLMRequestError("gone"), after=1)
    found = sought(planted(), ask)
    assert str(found.fault) == "gone"
    assert len(found.changes) == 1  # what was found before stands
    assert len(ask.asked) == 2


def test_the_budget_of_calls_is_kept_to(sought, answers):
    budget = Budget(calls=2)
    ask = answers(budget=budget)
    found = sought(planted(), ask, budget=budget)
    assert len(ask.asked) == budget.spent_calls == 2
    assert len(found.changes) == 2


def test_no_call_is_begun_after_the_minutes(sought, answers):
    now = iter([0.0, 0.0, 59.0, 61.0, 61.0, 61.0, 61.0, 61.0])
    budget = Budget(minutes=1, clock=lambda: next(now))
    ask = answers(budget=budget)
    sought(planted(), ask, budget=budget)
    assert len(ask.asked) < 3


def test_rules_on_text_are_bounds_and_those_on_images_are_not():
    assert {"names_distortion", "several_claims", "too_long", "nonsense"} <= set(text_rules())
    assert not {"dead", "also_fires_on", "fires_on_opposite"} & set(text_rules())
