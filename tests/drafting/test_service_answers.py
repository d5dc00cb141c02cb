"""What services send instead of a plain completion, and what is right then.

An answer that holds K phrases is taken, whatever stands around it. An error is shown in the
service's own words, without anything that looks like a key. A field that a service names is not
sent again. A budget of tokens that reasoning used up is raised.
"""

import json

import pytest

from workbench.drafting.draft_attributes import DraftOptions, build_request, draft_attributes
from workbench.errors import DraftParseError, LLMRequestError

from .behaviours import FIVE, completion, fails, lists, says, sends, thinks, unless

GOOD = json.dumps({"attributes": FIVE})
STREAM = {"Content_Type": "text/event-stream"}


def draft(haze, model, log, **options):
    attributes = draft_attributes(
        haze, model, DraftOptions(**options), log=log.add, recall=log.find
    )
    return [attribute.phrase for attribute in attributes]


def events(*documents) -> bytes:
    texts = [f"data: {json.dumps(document)}\n\n" for document in documents]
    return "".join([": a comment\n\n", "event: message\n", *texts, "data: [DONE]\n\n"]).encode()


def delta(**fields) -> dict:
    return {"model": "m-1", "choices": [{"index": 0, "delta": fields}]}


def message(**fields) -> bytes:
    return json.dumps({"choices": [{"message": fields}]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        completion(GOOD, model=None),
        completion(GOOD, model=["a", "b"], created=None, id=None, object=7),
        completion(GOOD, usage="unknown"),
        completion(GOOD, error=None),
        completion(GOOD, choices=[None, {"message": {"content": GOOD}, "finish_reason": 3}]),
        completion(GOOD, choices={"message": {"content": GOOD}}),
        completion(GOOD, choices=[{"text": GOOD}]),
        completion(GOOD, choices=[{"message": GOOD}]),
        b"\xef\xbb\xbf\n\n" + completion(GOOD),
        message(content=[{"type": "text", "text": GOOD[:9]}, {"type": "text", "text": GOOD[9:]}]),
        message(content=[GOOD[:9], GOOD[9:]]),
        message(content={"type": "output_text", "text": {"value": GOOD}}),
        message(content=json.loads(GOOD)),
        message(content=None, tool_calls=[{"function": {"name": "f", "arguments": GOOD}}]),
        message(content="", function_call={"arguments": json.loads(GOOD)}),
        json.dumps({"message": {"content": GOOD}, "done_reason": "stop"}).encode(),
        json.dumps({"result": {"choices": [{"message": {"content": GOOD}}]}}).encode(),
        json.dumps([json.loads(completion(GOOD))]).encode(),
        events(delta(role="assistant"), delta(content=GOOD[:30]), delta(content=GOOD[30:])),
        events(json.loads(completion(GOOD))),
        "\n".join(
            json.dumps({"message": {"content": part}, "done": not part})
            for part in (GOOD[:30], GOOD[30:], "")
        ).encode(),
    ],
)
def test_an_answer_is_taken_out_of_any_envelope(ask, log, haze, body):
    assert draft(haze, ask(sends(body)), log) == FIVE


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 10.0, "completion_tokens": "20"}, (10, 20)),
        ({"prompt_tokens": 10.5, "completion_tokens": None}, (None, None)),
        ({"input_tokens": 3, "output_tokens": 4}, (3, 4)),
        ({"prompt_tokens": -1, "completion_tokens": 2**40}, (None, None)),
        ({"prompt_tokens": True, "completion_tokens": {"text": 5}}, (None, None)),
        ({"prompt_tokens": float("nan"), "completion_tokens": "many"}, (None, None)),
    ],
)
def test_tokens_are_logged_where_they_are_counted(ask, log, haze, usage, tokens):
    assert draft(haze, ask(says(GOOD, usage=usage)), log) == FIVE
    assert (log.calls[0].prompt_tokens, log.calls[0].completion_tokens) == tokens


@pytest.mark.parametrize(
    "body",
    [
        message(content=GOOD, reasoning_content="Veils."),
        message(content=GOOD, reasoning={"summary": [{"text": "Veils."}]}),
        message(
            content=[{"type": "thinking", "thinking": "Veils."}, {"type": "text", "text": GOOD}]
        ),
        message(content=[{"type": "reasoning", "text": [{"text": "Veils."}]}, {"text": GOOD}]),
        events(delta(reasoning_content="Veils"), delta(reasoning_content="."), delta(content=GOOD)),
    ],
)
def test_reasoning_is_logged_apart(ask, log, haze, body):
    assert draft(haze, ask(sends(body)), log) == FIVE
    assert (log.calls[0].reply, log.calls[0].reasoning) == (GOOD, "Veils.")


def test_a_long_reasoning_is_logged_shortened(ask, log, haze):
    thoughts = "a" * 50_000 + "b" * 50_000
    draft(haze, ask(sends(message(content=GOOD, reasoning=thoughts))), log)
    kept = log.calls[0].reasoning
    assert kept.startswith("aaa")
    assert kept.endswith("bbb")
    assert "[80,000 characters left out]" in kept
    assert len(kept) < 21_000


def test_the_form_of_a_reply_is_logged_if_it_is_not_the_one_asked_for(ask, log, haze):
    numbered = "\n".join(f"{number}. {phrase}" for number, phrase in enumerate(FIVE, 1))
    assert draft(haze, ask(says(numbered)), log) == FIVE
    assert draft(haze, ask(lists(*FIVE)), log, seed=9) == FIVE
    assert [call.form for call in log.calls] == ["list", None]


QUOTED = "the key sk-secret or sk-proj-abc***xyz, Bearer abc.def"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (sends(b'{"error": {"message": "No credit", "code": 402}}'), "an error: No credit (402)."),
        (sends(b'{"error": "Unexpected endpoint."}'), "an error: Unexpected endpoint."),
        (sends(b'[{"error": {"message": "Bad region"}}]'), "an error: Bad region."),
        (sends(b'{"object": "error", "message": "Too long"}'), "an error: Too long."),
        (sends(b'{"detail": [{"loc": ["body"], "msg": "bad"}]}'), "an error: body: bad."),
        (sends(b'{"success": false, "errors": [{"message": "m"}]}'), "an error: m."),
        (sends(b'{"base_resp": {"status_msg": "no balance"}}'), "an error: no balance."),
        (sends(completion("", choices=[{"error": {"message": "died"}}])), "an error: died."),
        (sends(events({"error": {"message": "overloaded"}}), **STREAM), "an error: overloaded."),
        (sends(b""), "answered with an empty body."),
        (sends(b"<!doctype html><p>Log in"), "answered with a web page, perhaps a proxy's."),
        (sends(b"OK\x00 then"), "no chat completion: 'OK then'."),
        (fails(400, "\x1b[1mred\x00 text"), "refused the request (400: [1mred text)."),
        (fails(402, "Top up."), "says that the quota is used up (402: Top up)."),
        (fails(403, "Country not supported"), "refused access (403: Country not supported)."),
        (fails(403, QUOTED), "(403: the key (key) or (key), (key))."),
        (
            fails(404, "model 'm' not found"),
            "has no model 'asked-model' (404: model 'm' not found).",
        ),
        (sends(b"404 page not found", 404), "or is at another address (404: 404 page not found)."),
        (sends(b"<html>502</html>", 502), "failed 1 times (502: a web page, perhaps a proxy's)."),
        (sends(b"", 503), "failed 1 times (503)."),
    ],
)
def test_an_error_is_told_in_the_services_own_words(ask, log, haze, behaviour, words):
    with pytest.raises(LLMRequestError) as caught:
        draft(haze, ask(behaviour), log)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert "secret" not in str(caught.value)


def test_a_quota_that_is_used_up_is_not_asked_for_again(ask, scripted, log, haze):
    spent = fails(429, "You exceeded your quota.", code="insufficient_quota", retry_after="0")
    with pytest.raises(LLMRequestError, match=r"the quota is used up \(429: You exceeded"):
        draft(haze, ask(spent, retries=2), log)
    assert len(scripted.received) == 1


def test_an_answer_that_comes_with_a_warning_is_taken(ask, log, haze):
    assert draft(haze, ask(says(GOOD, error={"message": "deprecated"})), log) == FIVE


REQUEST_FIELDS = {
    "model", "messages", "seed", "temperature", "frequency_penalty", "max_tokens",
    "response_format",
}  # fmt: skip


@pytest.mark.parametrize(
    ("behaviour", "without", "renamed"),
    [
        (unless("seed", 'Unknown name "seed": Cannot find field.'), {"seed"}, {}),
        (unless("seed", [{"loc": ["body", "seed"], "msg": "extra"}], status=422), {"seed"}, {}),
        (unless("temperature", "Only the default value is taken.", param="temperature"),
         {"temperature"}, {}),
        (unless("frequency_penalty", "unsupported: frequency penalty", status=500),
         {"frequency_penalty"}, {}),
        (unless("seed", "seed is not supported", status=200), {"seed"}, {}),
        (unless("max_tokens", "'max_tokens' is not supported. Use 'max_completion_tokens'."),
         {"max_tokens"}, {"max_completion_tokens": 288}),
        (unless("response_format", "json_schema is not available", only="json_schema"),
         {"response_format"}, {"response_format": {"type": "json_object"}}),
        (unless("response_format", "response_format: unknown"), {"response_format"}, {}),
        (unless("response_format", "failed to parse grammar"), {"response_format"}, {}),
        (unless("max_tokens", "Unknown field maxTokens"), {"max_tokens"},
         {"max_completion_tokens": 288}),
        (unless("seed", "seed, temperature: unknown"), {"seed", "temperature"}, {}),
    ],
)  # fmt: skip
def test_what_a_service_does_not_take_is_left_out(
    ask, scripted, log, haze, behaviour, without, renamed
):
    model = ask(behaviour)
    assert draft(haze, model, log) == FIVE
    sent = scripted.received[-1]
    assert {*sent} == REQUEST_FIELDS - without | {*renamed}
    assert renamed.items() <= sent.items()
    call = log.calls[-1]
    assert call.sent == {k: v for k, v in sent.items() if k not in ("model", "messages")}
    assert call.request.key == build_request(haze, model).key
    asked = len(scripted.received)
    assert draft(haze, model, log, seed=9) == FIVE
    assert len(scripted.received) == asked + 1, "it was learnt"


def test_a_refused_request_is_logged_with_what_was_sent(ask, log, haze):
    draft(haze, ask(unless("max_tokens", "no max_tokens"), lists(*FIVE)), log)
    assert "refused the request (400: no max_tokens)" in log.errors[0]
    assert log.calls[0].sent is None
    assert "max_tokens" not in log.calls[1].sent


def test_a_service_that_names_every_field_is_not_asked_for_ever(ask, scripted, log, haze):
    everything = " ".join(REQUEST_FIELDS | {"max_completion_tokens"})
    with pytest.raises(LLMRequestError, match="refused the request"):
        draft(haze, ask(fails(400, everything)), log)
    assert len(scripted.received) <= 5


def test_a_models_name_within_a_fields_name_hides_nothing(ask, scripted, log, haze):
    assert draft(haze, ask(unless("max_tokens", "no max_tokens"), name="x"), log) == FIVE


def test_a_model_named_like_a_field_changes_nothing(ask, scripted, log, haze):
    with pytest.raises(LLMRequestError, match="seed-oss"):
        draft(haze, ask(fails(400, "seed-oss is not loaded")), log)
    with pytest.raises(LLMRequestError, match="no seed here"):
        draft(haze, ask(fails(400, "no seed here"), name="seed"), log)
    assert len(scripted.received) == 2


def test_what_was_learnt_outlives_the_process(ask, scripted, log, haze, tmp_path):
    memory = tmp_path / "new" / "learnt.json"
    no_seed = unless("seed", "no seed")
    draft(haze, ask(no_seed, memory=memory), log)
    draft(haze, ask(no_seed, memory=memory), log, seed=9)
    assert ["seed" in body for body in scripted.received] == [True, False, False]
    draft(haze, ask(no_seed, memory=memory, name="other"), log)
    assert "seed" in scripted.received[3], "another model may take it"


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"%s": 3}', '{"%s": {"refused": {"seed": "no"}}}', "\x00\xff"]
)
def test_a_broken_memory_is_no_matter(ask, scripted, log, haze, tmp_path, text):
    memory = tmp_path / "learnt.json"
    memory.write_text(text.replace("%s", f"{scripted.url} asked-model"), encoding="latin-1")
    assert draft(haze, ask(unless("seed", "no seed"), memory=memory), log) == FIVE
    assert "seed" in scripted.received[0]
    assert json.loads(memory.read_text())


def test_a_memory_that_cannot_be_written_is_no_matter(ask, log, haze, tmp_path):
    (tmp_path / "file").touch()
    memory = tmp_path / "file" / "learnt.json"
    assert draft(haze, ask(unless("seed", "no seed"), memory=memory), log) == FIVE


def test_what_is_learnt_is_forgotten_after_a_month(ask, scripted, log, haze, tmp_path):
    memory = tmp_path / "learnt.json"
    entry = {"refused": {"seed": None}, "budget": None, "at": "2020-01-01T00:00:00+00:00"}
    memory.write_text(json.dumps({f"{scripted.url} asked-model": entry}))
    draft(haze, ask(lists(*FIVE), memory=memory), log)
    assert "seed" in scripted.received[0]


@pytest.mark.parametrize("where", ["reasoning_content", "content"])
def test_a_budget_that_reasoning_used_up_is_raised_and_remembered(ask, scripted, log, haze, where):
    model = ask(thinks(3000, where=where))
    assert draft(haze, model, log) == FIVE
    assert [body["max_tokens"] for body in scripted.received] == [288, 1152, 4608]
    assert {body["seed"] for body in scripted.received} == {0}, "none of it was a try"
    assert [call.finish_reason for call in log.calls] == ["length", "length", None]
    assert log.calls[-1].sent["max_tokens"] == 4608
    assert draft(haze, model, log, seed=9) == FIVE
    assert scripted.received[-1]["max_tokens"] == 4608


def test_a_budget_that_is_used_up_is_seen_by_the_tokens_too(ask, scripted, log, haze):
    used = {"completion_tokens": 288}
    silent = says("", choices=[{"message": {"content": "", "reasoning": "Hm"}}], usage=used)
    assert draft(haze, ask(silent, lists(*FIVE)), log) == FIVE
    assert [(b["seed"], b["max_tokens"]) for b in scripted.received] == [(0, 288), (0, 1152)]


@pytest.mark.parametrize(("ending", "calls"), [("", 1), (" Or not?", 2)])
def test_an_answer_at_the_end_of_the_reasoning_is_taken_where_there_is_no_other(
    ask, log, haze, ending, calls
):
    silent = sends(message(content="", reasoning_content=f"Veils. {GOOD}{ending}"))
    assert draft(haze, ask(silent, lists(*FIVE)), log) == FIVE
    assert len(log.calls) == calls
    assert draft(haze, ask(fails(500)), log) == FIVE, "it is recalled"


def test_a_reply_that_is_cut_gets_more_tokens_with_the_next_try(ask, scripted, log, haze):
    assert draft(haze, ask(thinks(300, where="prose")), log) == FIVE
    assert [(b["seed"], b["max_tokens"]) for b in scripted.received] == [(0, 288), (1, 1152)]


def test_reasoning_without_end_is_told_in_one_line(ask, scripted, log, haze):
    with pytest.raises(DraftParseError) as caught:
        draft(haze, ask(thinks(10**9)), log)
    assert str(caught.value) == (
        "asked-model spent its budget of 16,384 tokens on reasoning and gave no attributes of "
        "haze. Set a larger budget or less reasoning in WORKBENCH_MODEL_OPTIONS, such as "
        "'{max_tokens: 32000}' or '{reasoning_effort: low}'."
    )
    assert [body["max_tokens"] for body in scripted.received] == [288, 1152, 4608, 16384]


def test_a_budget_of_the_users_own_is_not_raised(ask, scripted, log, haze):
    model = ask(thinks(10**9), extra_body={"max_tokens": None, "max_completion_tokens": 5000})
    with pytest.raises(DraftParseError, match=r"its budget of 5,000 tokens"):
        draft(haze, model, log)
    assert [body["max_completion_tokens"] for body in scripted.received] == [5000]
    assert "max_tokens" not in scripted.received[0]


def test_a_raised_budget_that_is_too_large_for_the_model_is_halved(ask, scripted, log, haze):
    assert draft(haze, ask(thinks(500, most=1000)), log) == FIVE
    assert [body["max_tokens"] for body in scripted.received] == [288, 1152, 576]
    with pytest.raises(DraftParseError, match="spent its budget of 576 tokens"):
        draft(haze, ask(thinks(900, most=1000)), log, seed=9)
