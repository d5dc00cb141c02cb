"""Several answers become one list that people can pick from."""

import json
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.attributes import Attribute
from workbench.domain.llm_call import LLMCall, LLMRequest
from workbench.drafting.candidates import candidates_from_calls, pooled, words_of
from workbench.drafting.draft_attributes import response_format


def answers(*samples):
    return [[Attribute(phrase=phrase) for phrase in sample] for sample in samples]


def phrases(candidates):
    return [candidate.attribute.phrase for candidate in candidates]


def test_what_more_samples_came_to_stands_higher():
    found = pooled(answers(["pale sky", "blocky edges"], ["blocky edges"], ["edges, blocky"]))
    assert phrases(found) == ["blocky edges", "pale sky"]
    assert [(one.support, one.samples) for one in found] == [(3, 3), (1, 3)]


def test_among_equals_what_says_something_new_comes_first():
    found = pooled(answers(["soft blurred edges", "soft blurred outlines", "grainy walls"]))
    assert phrases(found) == ["soft blurred edges", "grainy walls", "soft blurred outlines"]


def test_near_twins_support_each_other_and_both_stay():
    found = pooled(answers(["small dark square tiles"], ["small square tiles"]))
    assert [one.support for one in found] == [2, 2]
    assert found[0].twins == ("small square tiles",)


def test_what_the_draft_has_already_is_left_out():
    assert phrases(pooled(answers(["the blocky edge", "haze"]), besides=["Blocky edges"])) == [
        "haze"
    ]


WORDS = st.lists(st.sampled_from(["edge", "edges", "sky", "pale", "the"]), min_size=1, max_size=4)
PHRASES = WORDS.filter(lambda words: set(words) != {"the"}).map(" ".join)
SAMPLES = st.lists(st.lists(PHRASES, max_size=4), max_size=4)


@given(SAMPLES)
def test_nothing_is_invented_lost_or_told_twice(samples):
    found = pooled(answers(*samples))
    said = {words_of(phrase) for sample in samples for phrase in sample}
    assert sorted(map(sorted, map(words_of, phrases(found)))) == sorted(map(sorted, said))
    assert all(1 <= one.support <= one.samples == len(samples) for one in found)


@given(SAMPLES)
def test_the_order_is_that_of_its_definition(samples):
    """Maximal marginal relevance, each candidate compared anew with all that stand above it."""
    found = pooled(answers(*samples))

    def worth(one, above):
        words = words_of(one.attribute.phrase)
        others = [words_of(other.attribute.phrase) for other in above]
        nearest = max((len(words & other) / len(words | other) for other in others), default=0.0)
        return one.support / one.samples - 0.5 * nearest

    for place, one in enumerate(found):
        rest = found[place:]
        assert worth(one, found[:place]) == max(worth(other, found[:place]) for other in rest)
    asked = [words_of(phrase) for sample in samples for phrase in sample]
    for place, (one, after) in enumerate(pairwise(found)):
        if worth(one, found[:place]) == worth(after, found[:place]):
            first, second = (asked.index(words_of(c.attribute.phrase)) for c in (one, after))
            assert first < second


def call(reply, id, error=None):
    request = LLMRequest(
        template="few_shot", template_hash="0" * 64, messages=(), model="m",
        parameters={"response_format": response_format(2)}, seed=id,
    )  # fmt: skip
    return LLMCall(
        request=request, distortion="jpeg", reply=reply, error=error, id=id,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_the_log_alone_gives_the_pool_and_failed_calls_give_nothing():
    good = json.dumps({"attributes": ["blocky edges", "pale sky"]})
    log = [call(good, 1), call("prose", 2), call(good, 3, error="broke off"), call(good, 4)]
    found = candidates_from_calls(log)
    assert phrases(found) == ["blocky edges", "pale sky"]
    assert [(one.attribute.call_id, one.support, one.samples) for one in found] == [(1, 2, 2)] * 2
