"""What the workbench is set to, from where, and whether it works: settings and checks."""

import importlib.util
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from workbench.errors import WorkbenchError
from workbench.hub import hub_reachable
from workbench.settings import DEFAULT_MODEL, NOBODY, Settings, environment, max_megapixels

_USER_INFO = re.compile(r"(?<=//)[^/@]*@")  # of an address: a name, perhaps with a password
REQUIRED = frozenset({"store", "cache"})  # checks without which nothing works
DEFAULT = "default"  # the source of what no variable sets
QUESTION = "Answer with one word: what do we call it when a photograph is not sharp?"


class SettingLine(NamedTuple):
    """One setting as it is shown; a secret is never part of it.

    Attributes:
        group: What it is about: "person", "language model", "computing" or "storage".
        name: What people call it.
        value: What it is set to, in words.
        variable: The environment variable, or two, that would set it.
        source: The variable that did, or `DEFAULT`; "measured" for what is no setting.
    """

    group: str
    name: str
    value: str
    variable: str
    source: str


class Check(NamedTuple):
    """What came of one check.

    Attributes:
        name: What was checked.
        ok: Whether it works.
        detail: What was found, or what to do.
    """

    name: str
    ok: bool
    detail: str


def setting_lines(settings: Settings) -> list[SettingLine]:
    """Return every setting, its value and where the value comes from; nothing is reached.

    Args:
        settings: As read from the environment.
    """
    from workbench.store.database import without_password

    has_service = bool(settings.api_key or settings.base_url)
    local = f"the model file {settings.gguf}" if settings.gguf else "the local model"
    prices = f"{len(settings.prices)} in the price list" if settings.prices else "no price list"
    options = ", ".join(name for name in settings.model_options if name != "models") or "none"
    encoder = "CLIP where its weights can be had, else the offline encoder"
    rows = (
        ("person", "Name", settings.author if settings.author != NOBODY else "nobody yet",
         "WORKBENCH_AUTHOR USER USERNAME"),
        ("person", "Role", settings.role, "WORKBENCH_ROLE"),
        ("person", "Roles of who logs in", "of a file" if settings.roles_file else "all viewers",
         "WORKBENCH_ROLES"),
        ("person", "Login", "set up" if settings.secrets else "none", "WORKBENCH_SECRETS"),
        ("language model", "Service", _service(settings), "OPENAI_BASE_URL OPENAI_API_KEY"),
        ("language model", "Key", "set, never shown" if settings.api_key else "none",
         "OPENAI_API_KEY"),
        ("language model", "Model", settings.model or (DEFAULT_MODEL if has_service else local),
         "WORKBENCH_MODEL WORKBENCH_GGUF"),
        ("language model", "Fields of requests", options, "WORKBENCH_MODEL_OPTIONS"),
        ("language model", "Prices", prices, "WORKBENCH_PRICES"),
        ("language model", "Threads of the local model", str(settings.threads),
         "WORKBENCH_THREADS"),
        ("computing", "Device", _device(settings.device), "WORKBENCH_DEVICE"),
        ("computing", "Devices for one training", str(settings.devices), "WORKBENCH_DEVICES"),
        ("computing", "Encoder where none is named",
         "the offline encoder" if settings.offline else encoder, "WORKBENCH_OFFLINE"),
        ("computing", "Largest image", f"{max_megapixels()} megapixels",
         "WORKBENCH_MAX_MEGAPIXELS"),
        ("storage", "Store", without_password(settings.database_url), "WORKBENCH_DB"),
        ("storage", "Home", str(settings.home), "WORKBENCH_HOME"),
        ("storage", "Results of runs", str(settings.results), "WORKBENCH_HOME"),
        ("storage", "Cache", str(settings.cache), "WORKBENCH_CACHE"),
        ("storage", "Log of events", "JSON lines" if settings.log_events else "none",
         "WORKBENCH_LOG"),
        ("storage", "Free space", _free_space(settings.home), ""),
    )  # fmt: skip
    lines = []
    for group, name, value, variables in rows:
        names = variables.split()
        source = next(iter(environment(*names)), DEFAULT if names else "measured")
        lines.append(SettingLine(group, name, value, " or ".join(names[:2]), source))
    return lines


def checks(settings: Settings, *, ask: bool = False) -> list[Check]:
    """Check what is installed, reachable and writable.

    Args:
        settings: What to check.
        ask: Also ask the language model one short question; that may cost a few tokens, and
            starts the local model if there is no service.
    """
    each = {**_CHECKS, "answer": _answer} if ask else _CHECKS
    return [Check(name, *check(settings)) for name, check in each.items()]


def _service(settings: Settings) -> str:
    if settings.base_url:
        return _USER_INFO.sub("***@", settings.base_url)
    return "OpenAI" if settings.api_key else "a local server, started when it is needed"


def _device(name: str) -> str:
    return "a GPU if there is one, else the processor" if name == "auto" else name


def _free_space(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(nearest_existing(folder)).free / 1e9:,.1f} GB"
    except OSError as error:
        return f"unknown ({error.strerror})"


def nearest_existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _store(settings: Settings) -> tuple[bool, str]:
    from workbench.store import open_store
    from workbench.store.database import without_password

    try:
        open_store(settings.database_url).close()
    except WorkbenchError as fault:
        return False, str(fault)
    return True, without_password(settings.database_url)


def _cache(settings: Settings) -> tuple[bool, str]:
    if os.access(nearest_existing(settings.cache), os.W_OK):
        return True, str(settings.cache)
    return False, f"{settings.cache} cannot be written; set WORKBENCH_CACHE."


def _language_model(settings: Settings) -> tuple[bool, str]:
    if settings.api_key or settings.base_url:
        from workbench.drafting.local_server import open_language_model

        try:
            with open_language_model(settings) as model:  # nothing is sent
                return True, f"{model.name} at {model.service}"
        except WorkbenchError as fault:
            return False, str(fault)
    if importlib.util.find_spec("xllamacpp") is None:
        return False, "Set OPENAI_API_KEY, or pip install 'attribute-workbench[local-llm]'."
    return True, "a local server (llama.cpp)"


def _hub(settings: Settings) -> tuple[bool, str]:
    if hub_reachable(settings):
        return True, "CLIP weights can be fetched"
    return False, "Not reachable: the offline encoder is the default, or name a local checkpoint."


def _answer(settings: Settings) -> tuple[bool, str]:
    """Ask the language model; the call is about no distortion, so no log keeps it."""
    from workbench.domain.canonical import content_hash
    from workbench.domain.llm_call import LLMRequest
    from workbench.drafting.local_server import open_language_model

    try:
        with open_language_model(settings) as model:
            request = LLMRequest(
                template="check",
                template_hash=content_hash(QUESTION),
                messages=({"role": "user", "content": QUESTION},),
                model=model.name,
                parameters={"temperature": 0, "max_tokens": 64, **model.extra_body},
                seed=0,
            )
            call = model.complete(request, distortion="", log=lambda call: call)
    except WorkbenchError as fault:
        return False, str(fault)
    if call.error:
        return False, call.error
    tokens = (call.prompt_tokens or 0) + (call.completion_tokens or 0)
    words = " ".join(call.reply.split())[:80]
    who = call.model_answered or model.name
    return True, f"{who} answered '{words}' in {call.latency_s:.1f} s ({tokens} tokens)"


_CHECKS: dict[str, Callable[[Settings], tuple[bool, str]]] = {
    "store": _store,
    "cache": _cache,
    "language model": _language_model,
    "model hub": _hub,
}
