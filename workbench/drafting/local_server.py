"""Open a language model: the user's service, else a server of our own on this machine."""

import hashlib
import json
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import httpx2

from workbench.drafting import server_process
from workbench.drafting.client import HOW_TO_GET_A_MODEL, LanguageModel, NamedModel, connect
from workbench.drafting.gguf import (
    QWEN,
    PinnedModel,
    Progress,
    assemble,
    cached_model,
    download,
    installed_parts,
)
from workbench.errors import LLMRequestError
from workbench.hub import answers
from workbench.settings import DEFAULT_MODEL, Settings

__all__ = ["LanguageModel", "choose_gguf", "named_model", "open_language_model"]

CONTEXT_TOKENS = 4096
PROMPT_TOKENS = 1024  # the longest prompt has about 700
START_LIMIT_S = 180.0  # a cold 1.1 GB file from a slow disk
ANSWER_LIMIT_S = 600.0  # 15 tokens a second on two idle cores; they may be busy
POLITE_S = 3.0
# OpenMP's threads spin while they wait for each other. On a busy machine they spin away the time
# that the other thread needs: an answer took 50 s instead of 5 beside one other busy process.
_NO_SPINNING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}

_EVERY_REQUEST = {"cache_prompt": False}  # a warm cache changes the last bits, so the answer

FINGERPRINT_BYTES = 1 << 20  # a GGUF file opens with its metadata and the table of its tensors


def _silent(share: float, text: str) -> None:
    """Take progress and show nothing."""


@contextmanager
def open_language_model(
    settings: Settings, *, progress: Progress = _silent
) -> Iterator[LanguageModel]:
    """Open the language model that the settings ask for, and close it at the end of the block.

    With a key or an address it is that service. Without, it is a llama.cpp server that this
    process starts on a free loopback port and that ends with the block, or with this process.
    Its threads are fixed and it answers one request at a time, so the same request gets the same
    answer, bit for bit, on the same machine.

    Args:
        settings: Key, address, model, GGUF path, cache and threads.
        progress: Called with the share done, in [0, 1], and what is being done.

    Yields:
        The language model.

    Raises:
        LLMRequestError: No model can be had, or the server does not start; says what to do.
    """
    if settings.api_key or settings.base_url:
        name = settings.model or DEFAULT_MODEL
        with connect(
            name,
            base_url=settings.base_url,
            api_key=settings.api_key,
            extra_body=settings.options_of(name),
            price=settings.prices.get(name),
            memory=settings.cache / "language-services.json",
        ) as model:
            yield model
        return
    if find_spec("xllamacpp") is None:
        raise LLMRequestError(f"There is no language model. {HOW_TO_GET_A_MODEL}.")
    gguf, name = choose_gguf(settings, progress=progress)
    if settings.model not in (None, name):
        raise LLMRequestError(
            f"Model '{settings.model}' needs a service, and the local one is '{name}'. "
            "Set OPENAI_API_KEY or OPENAI_BASE_URL, or leave the model out."
        )
    with (
        _local_server(gguf, name, settings.threads, progress) as (url, key),
        connect(
            name,
            base_url=f"{url}/v1",
            api_key=key,
            extra_body=_EVERY_REQUEST | settings.options_of(name),
            timeout_s=ANSWER_LIMIT_S,
            retries=0,
            price=(0.0, 0.0),
            concurrency=1,
            most_tokens=CONTEXT_TOKENS - PROMPT_TOKENS,
            raises=False,  # the same phrases as ever; reasoning alone gets a larger budget
        ) as model,
    ):
        yield model


def named_model(settings: Settings) -> NamedModel:
    """Return the model that the settings ask for by name only; nothing is started or reached.

    Raises:
        LLMRequestError: WORKBENCH_GGUF names a file that cannot be read.
    """
    local = _own_name(settings.gguf) if settings.gguf else QWEN.name
    if settings.api_key or settings.base_url or settings.model not in (None, local):
        name = settings.model or DEFAULT_MODEL
        return NamedModel(name=name, extra_body=settings.options_of(name))
    return NamedModel(name=local, extra_body=_EVERY_REQUEST | settings.options_of(local))


def choose_gguf(
    settings: Settings, *, model: PinnedModel = QWEN, progress: Progress = _silent
) -> tuple[Path, str]:
    """Return the model file for the local server and the name it goes by.

    The user's own file; else the pinned model: from the cache, else from the installed parts, else
    from its hub. The last three are the same bytes, so what needs no network comes first.

    Raises:
        LLMRequestError: There is no such file, or no way to get one; says what to do.
    """
    if settings.gguf is not None:
        return settings.gguf, _own_name(settings.gguf)
    cached = cached_model(settings.cache, model)
    if cached is not None:
        return cached, model.name
    try:
        installed_parts(model)
    except LLMRequestError:
        if settings.offline or not answers(model.url):
            raise
        return download(settings.cache, model, progress=progress), model.name
    return assemble(settings.cache, model, progress=progress), model.name


def _own_name(gguf: Path) -> str:
    return f"{gguf.stem}@{_fingerprint(gguf)}"


def _fingerprint(gguf: Path) -> str:
    """Return eight hexadecimal digits that tell two model files of one name apart."""
    try:
        with gguf.open("rb") as file:
            head = file.read(FINGERPRINT_BYTES)
        size = gguf.stat().st_size
    except OSError as error:
        message = f"The model file {gguf} cannot be read ({error.strerror}). Check WORKBENCH_GGUF."
        raise LLMRequestError(message) from error
    if not head.startswith(b"GGUF"):
        raise LLMRequestError(f"{gguf} is no GGUF model file. Check WORKBENCH_GGUF.")
    return hashlib.sha256(head + str(size).encode()).hexdigest()[:8]


@contextmanager
def _local_server(
    gguf: Path, name: str, threads: int, progress: Progress
) -> Iterator[tuple[str, str]]:
    """Start the server's process and yield its address and key; it is gone afterwards."""
    key = secrets.token_urlsafe(24)
    task = {
        "gguf": str(gguf.resolve()),
        "name": name,
        "key": key,
        "threads": threads,
        "context": CONTEXT_TOKENS,
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            # -P keeps this folder off the path, where our modules could hide others of their name.
            [sys.executable, "-P", server_process.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | _NO_SPINNING,
        )
        try:
            yield _await_address(process, task, log, progress), key
        finally:
            _stop(process)


def _await_address(
    process: "subprocess.Popen[str]", task: dict[str, object], log: IO[bytes], progress: Progress
) -> str:
    """Hand the task over and wait, with a limit, for the address and a healthy answer."""
    lines: queue.Queue[str] = queue.Queue()
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise LLMRequestError("The local server has no pipes; this should not happen.")
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    try:
        stdin.write(json.dumps(task) + "\n")
        stdin.flush()
    except OSError as error:
        raise _start_error(task, log) from error
    started = time.monotonic()
    while (waited := time.monotonic() - started) < START_LIMIT_S:
        progress(min(waited / START_LIMIT_S, 1.0), f"loading {task['name']}")
        try:
            line = lines.get(timeout=0.25)
        except queue.Empty:
            continue
        if not line:
            raise _start_error(task, log)
        url = str(json.loads(line)["url"])
        _check_health(url)
        progress(1.0, f"{task['name']} is ready")
        return url
    raise LLMRequestError(
        f"The local server did not load {task['gguf']} within {START_LIMIT_S:g} s. "
        "Try again when the machine is less busy, or set OPENAI_API_KEY."
    )


def _check_health(url: str) -> None:
    try:
        with httpx2.Client(trust_env=False, timeout=10) as client:
            client.get(f"{url}/health").raise_for_status()
    except httpx2.HTTPError as error:
        raise LLMRequestError(f"The local server at {url} is not well: {error}.") from error


def _start_error(task: dict[str, object], log: IO[bytes]) -> LLMRequestError:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").split("\n")]
    faults = [line.partition(" E ")[2] for line in lines if " E " in line]  # llama.cpp's own mark
    said = next(iter(faults), "") or next((line for line in reversed(lines) if line), "nothing")
    return LLMRequestError(
        f"The local server could not load {task['gguf']}; it said: {' '.join(said.split())[:200]}. "
        "Check WORKBENCH_GGUF, or set OPENAI_API_KEY."
    )


def _stop(process: "subprocess.Popen[str]") -> None:
    """End the process: by closing its input, else terminate, else kill."""
    for end in (_close_input, subprocess.Popen.terminate, subprocess.Popen.kill):
        end(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLITE_S)
            break
    if process.stdout is not None:
        process.stdout.close()


def _close_input(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended already
            process.stdin.close()
