"""The client among proxies, certificates, headers and options; a fault names its variable."""

import json
import select
import socket
import sys
import threading

import certifi
import pytest

from workbench.drafting.client import connect
from workbench.drafting.draft_attributes import DraftOptions, build_request, draft_attributes
from workbench.drafting.local_server import named_model, open_language_model
from workbench.errors import ConfigError, LLMRequestError
from workbench.settings import read_settings

from .behaviours import FIVE, lists

PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
DEAD = "http://127.0.0.1:9"  # nobody listens there


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    """Return to an environment without proxies, certificates and OpenAI's variables."""
    names = [*PROXIES, *map(str.lower, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"]
    names += ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS"]
    for name in names:
        monkeypatch.delenv(name, raising=False)


def draft(haze, model, log):
    attributes = draft_attributes(haze, model, DraftOptions(), log=log.add, recall=log.find)
    return [attribute.phrase for attribute in attributes]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
@pytest.mark.parametrize("variable", ["ALL_PROXY", "http_proxy"])
def test_a_loopback_address_never_goes_through_a_proxy(
    scripted, log, haze, monkeypatch, host, variable
):
    monkeypatch.setenv(variable, DEAD)
    scripted.behaviours = [lists(*FIVE)]
    port = scripted.server_address[1]
    with connect("m", base_url=f"http://{host}:{port}/v1", retries=0) as model:
        assert draft(haze, model, log) == FIVE


def test_another_address_goes_through_the_proxy_and_a_failure_names_it(log, haze, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    with (
        connect("m", base_url="http://models.example/v1", retries=0) as model,
        pytest.raises(LLMRequestError, match=r"Check the network, HTTP_PROXY and OPENAI_BASE_URL"),
    ):
        draft(haze, model, log)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ALL_PROXY", "socks4://p:1080", "ALL_PROXY is 'socks4://p:1080': no address of a proxy"),
        ("HTTPS_PROXY", "http://p:port", "HTTPS_PROXY is 'http://p:port': no address of a proxy"),
        ("http_proxy", "ftp://me:secret@p", "http_proxy is 'ftp://p': no address of a proxy"),
    ],
)
def test_a_proxy_of_an_impossible_form_is_named(monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    with pytest.raises(LLMRequestError) as caught:
        connect("m", base_url="https://models.example/v1", api_key="k")
    assert str(caught.value).startswith(words)
    assert "secret" not in str(caught.value)
    connect("m", base_url="http://localhost:1/v1").close()


def test_a_socks_proxy_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(LLMRequestError, match=r"ALL_PROXY .*'attribute-workbench\[socks\]'"):
        connect("m", base_url="https://models.example/v1", api_key="k")


class SocksProxy:
    """Accepts one connection of SOCKS 5 and leads it to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port, self.asked = port, b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        client, _ = self.socket.accept()
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            client.recv(64)
            client.sendall(b"\x05\x00")
            self.asked = client.recv(256)
            client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            ends = {client: server, server: client}
            while True:
                for end in select.select([*ends], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


def test_a_service_is_reached_through_a_socks_proxy(scripted, log, haze, monkeypatch):
    scripted.behaviours = [lists(*FIVE)]
    proxy = SocksProxy(scripted.server_address[1])
    monkeypatch.setenv("ALL_PROXY", f"socks5h://127.0.0.1:{proxy.socket.getsockname()[1]}")
    with connect("m", base_url="http://models.example/v1", retries=0) as model:
        assert draft(haze, model, log) == FIVE
    assert b"models.example" in proxy.asked
    proxy.thread.join()
    proxy.socket.close()


@pytest.mark.parametrize(
    ("variable", "name", "content", "why"),
    [
        ("SSL_CERT_FILE", "gone.pem", None, "No such file or directory"),
        ("SSL_CERT_FILE", "cert.pem", "no certificate", "it holds no certificate"),
        ("SSL_CERT_FILE", "", None, "it holds no certificate|Is a directory"),
        ("SSL_CERT_DIR", "gone", None, "No such file or directory"),
        ("SSL_CERT_DIR", "", None, "the folder is empty"),
        ("SSL_CERT_DIR", "cert.pem", "x", "Not a directory"),
    ],
)
def test_certificates_that_cannot_be_used_are_named(
    tmp_path, monkeypatch, variable, name, content, why
):
    if content:
        (tmp_path / name).write_text(content)
    monkeypatch.setenv(variable, str(tmp_path / name))
    with pytest.raises(LLMRequestError, match=rf"{variable} is '.*', which cannot .*\({why}\)"):
        connect("m", base_url="https://models.example/v1", api_key="k")
    connect("m", base_url="http://127.0.0.1:1/v1").close()


def test_good_certificates_of_ones_own_are_used(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    connect("m", base_url="https://models.example/v1", api_key="k").close()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_ORG_ID", "organisation-\u00e9"),
        ("OPENAI_PROJECT_ID", "proj-1\n"),
        ("OPENAI_CUSTOM_HEADERS", "X-Team: qualit\u00e9"),
    ],
)
def test_a_header_that_cannot_be_sent_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(LLMRequestError, match=f"{variable} holds characters that no header has"):
        connect("m", base_url="http://127.0.0.1:1/v1")


def test_a_password_in_the_address_is_not_shown(log, haze):
    model = connect("m", base_url="http://me:secret@127.0.0.1:9/v1", retries=0)
    with model, pytest.raises(LLMRequestError) as caught:
        draft(haze, model, log)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("inline", [True, False])
def test_options_set_add_and_leave_out_fields(
    scripted, log, haze, settings, monkeypatch, tmp_path, inline
):
    text = (
        "{seed: null, max_completion_tokens: 4000, top_p: 0.9, "
        "models: {mine: {top_p: 0.5, temperature: null}}}"
    )
    (tmp_path / "options.yaml").write_text(text)
    monkeypatch.setenv("WORKBENCH_MODEL_OPTIONS", text if inline else f"{tmp_path}/options.yaml")
    monkeypatch.setenv("WORKBENCH_MODEL", "mine")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("OPENAI_BASE_URL", scripted.url)
    scripted.behaviours = [lists(*FIVE)]
    mine = read_settings()
    with open_language_model(mine) as model:
        assert draft(haze, model, log) == FIVE
        assert build_request(haze, model).key == build_request(haze, named_model(mine)).key
    sent = scripted.received[0]
    assert (sent["max_completion_tokens"], sent["top_p"]) == (4000, 0.5)
    assert not {"seed", "max_tokens", "temperature"} & {*sent}
    assert log.calls[0].sent is None, "the request says it itself"
    assert mine.options_of("other")["top_p"] == 0.9


def test_without_options_a_request_is_what_it_always_was(ask, haze):
    parameters = build_request(haze, ask()).parameters
    assert [*parameters] == ["temperature", "frequency_penalty", "max_tokens", "response_format"]
    assert json.dumps([*parameters.values()][:3]) == "[0, 0.5, 288]"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{seed: 3}", "seed can only be null"),
        ("{model: x}", "model is not yours to set"),
        ("{models: {m: {stream: true}}}", "stream is not yours to set"),
        ("{max_tokens: many}", "max_tokens is 'many', no whole number above 0"),
        ("{max_tokens: 0}", "max_tokens is 0, no whole number above 0"),
        ("{temperature: .nan}", "cannot be used"),
        ("{day: 2020-01-01}", "it is no mapping of fields"),
        ("{seed", "it is no mapping of fields"),
        ("{models: [a]}", "it is no mapping of fields"),
        ("- seed: 3", "it is no mapping of fields"),
        ("gone.yaml", "(gone.yaml) cannot be used: No such file or directory"),
    ],
)
def test_options_that_cannot_be_used_are_told_in_one_line(monkeypatch, value, words):
    monkeypatch.setenv("WORKBENCH_MODEL_OPTIONS", value)
    with pytest.raises(ConfigError) as caught:
        read_settings()
    message = str(caught.value)
    assert message.startswith("WORKBENCH_MODEL_OPTIONS")
    assert words in message
    assert "\n" not in message
