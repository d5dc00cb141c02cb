"""Several distortions asked about at once, through a real server or from the log alone."""

import pytest

from workbench.domain.distortion import Distortion
from workbench.drafting.candidates import gather_candidates
from workbench.drafting.client import NamedModel
from workbench.drafting.draft_attributes import DraftOptions
from workbench.drafting.templates import NO_CONTEXT
from workbench.errors import LLMRequestError

from .behaviours import by_seed, by_words, fails, lists, stalls_before_headers

SNOW = Distortion(id="snow", name="Snow", group="noise", source="", explanation="White dots.")


@pytest.fixture
def gather(log, haze):
    def gathered(model, **more):
        subjects = [(haze, NO_CONTEXT), (SNOW, NO_CONTEXT)]
        found = gather_candidates(
            subjects, model, DraftOptions(k=1, **more), log=log.add, recall=log.find
        )
        return dict(found)

    return gathered


def phrases(found):
    return [candidate.attribute.phrase for candidate in found]


@pytest.mark.parametrize("concurrency", [None, 1, 8])
def test_samples_are_pooled_for_each_distortion_in_their_own_order(ask, gather, concurrency):
    haze = by_seed({0: lists("pale veil"), 3: lists("soft edges"), 6: lists("pale veils")})
    model = ask(by_words(haze=haze, snow=lists("white dots")))
    found = gather(model, samples=3, concurrency=concurrency)
    assert phrases(found["haze"]) == ["pale veil", "soft edges"]
    assert [one.support for one in found["haze"]] == [2, 1]
    assert phrases(found["snow"]) == ["white dots"]


def test_a_distortion_is_whole_before_a_slow_one_is(ask, log, haze):
    model = ask(by_words(haze=stalls_before_headers, snow=lists("white dots")), timeout_s=60.0)
    answers = gather_candidates(
        [(haze, NO_CONTEXT), (SNOW, NO_CONTEXT)],
        model,
        DraftOptions(k=1),
        log=log.add,
        recall=log.find,
    )
    id, found = next(answers)
    assert (id, phrases(found)) == ("snow", ["white dots"])
    answers.close()


def test_one_that_fails_is_asked_about_no_further_and_stops_no_other(ask, scripted, gather):
    model = ask(by_words(haze=fails(400), snow=lists("white dots")))
    found = gather(model, samples=3, concurrency=1)
    assert isinstance(found["haze"], LLMRequestError)
    assert phrases(found["snow"]) == ["white dots"]
    assert len(scripted.received) == 1 + 3


def test_the_log_alone_gives_what_was_answered_before(ask, scripted, gather):
    model = ask(by_words(haze=lists("pale sky"), snow=lists("white dots")))
    asked = gather(model, samples=2)
    assert gather(NamedModel(name=model.name), samples=2) == asked
    assert len(scripted.received) == 4


def test_what_the_log_lacks_is_said_with_what_to_do(ask, gather):
    model = ask(by_words(haze=lists("pale sky"), snow=fails(400)))
    gather(model, samples=2)
    found = gather(NamedModel(name=model.name), samples=3)
    assert str(found["haze"]) == (
        "The log lacks 1 of 3 answers of asked-model to this prompt of template 'few_shot'. Draft "
        "without --offline to ask for them, or read another log in with 'workbench calls import'."
    )
    assert str(found["snow"]).startswith("The log lacks 3 of 3 answers")
