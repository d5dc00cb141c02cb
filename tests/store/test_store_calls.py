from datetime import timedelta

import pytest

from workbench.errors import StoreError

from .store_examples import NOON, a_call


def test_a_call_comes_back_exactly_as_it_was_logged(store):
    call = a_call(reply='{"a": "e\u0301 \u00e9 \U0001f4f7\\n"}  \r\n')
    logged = store.calls.add(call)
    assert logged == call.model_copy(update={"id": logged.id})
    assert store.calls.get(logged.id) == logged


def test_a_reply_may_hold_what_no_text_column_can(store):
    logged = store.calls.add(a_call(reply="before\x00after"))
    assert store.calls.get(logged.id).reply == "before\x00after"


def test_the_cache_answers_with_the_first_success_and_never_with_an_error(store):
    failed = store.calls.add(a_call(reply="", error="the server broke off"))
    assert store.calls.find(failed.request.key) is None
    good = store.calls.add(a_call())
    store.calls.add(a_call(reply="another"))
    assert store.calls.find(good.request.key) == good


def test_another_sample_of_the_same_prompt_is_not_answered_from_the_cache(store):
    store.calls.add(a_call(sample=0))
    assert store.calls.find(a_call(sample=1).request.key) is None


def test_calls_are_listed_newest_first_up_to_a_limit(store):
    ids = [store.calls.add(a_call(sample=sample)).id for sample in range(3)]
    assert [call.id for call in store.calls.list(limit=2)] == [ids[2], ids[1]]


def test_an_unknown_call_is_named(store):
    with pytest.raises(StoreError, match="There is no call 7 in the log of"):
        store.calls.get(7)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"distortion": "blur"}, [1]),
        ({"template": "paper"}, [2]),
        ({"template": "paper", "limit": 0}, []),
        ({"since": NOON + timedelta(seconds=1)}, [3]),
        ({"with_errors": False}, [3, 2, 1]),
        ({"with_errors": False, "template": "few_shot", "limit": 1}, [3]),
    ],
)
def test_calls_are_listed_of_some_kind(store, asked, found):
    paper = a_call().request.model_copy(update={"template": "paper"})
    changes = {"distortion": "blur"}, {"request": paper}, {"created_at": NOON + timedelta(hours=1)}
    failed = a_call(reply="", error="cut off")
    calls = store.calls.add_all(
        [failed, *(a_call().model_copy(update=change) for change in changes)]
    )
    assert store.calls.list(**asked) == [calls[index] for index in found]


def test_the_same_call_is_logged_once_and_keeps_its_number(store):
    first = store.calls.add(a_call())
    assert store.calls.add(a_call()) == first
    assert store.calls.add_all([a_call(), a_call(sample=1), a_call(sample=1)])[2].id == first.id + 1
    assert store.calls.count() == 2


def test_usage_is_summed_by_the_model_that_was_asked(store):
    store.calls.add(a_call().model_copy(update={"cost_usd": 0.25, "completion_tokens": 5}))
    store.calls.add(a_call(reply="", error="cut off"))
    request = a_call().request.model_copy(update={"model": "large"})
    store.calls.add(a_call().model_copy(update={"request": request}))
    large, tiny = store.calls.usage()
    assert (large.model, large.calls, large.unpriced) == ("large", 1, 1)
    assert (tiny.model, tiny.calls, tiny.errors) == ("tiny", 2, 1)
    assert (tiny.prompt_tokens, tiny.completion_tokens) == (6, 5)
    assert (tiny.cost_usd, tiny.unpriced, tiny.latency_s) == (0.25, 1, 4 * (0.1 + 0.2) / 2)
