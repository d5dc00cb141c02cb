"""What is installed, reachable and writable; what to do about what isn't."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import typer

from workbench.cli.console import Db, Json, emit, table
from workbench.errors import WorkbenchError
from workbench.hub import hub_reachable
from workbench.settings import Settings, read_settings


def doctor(json: Json = False, db: Db = None) -> None:
    """Check what is installed, reachable and writable, and say how to fix what is not."""
    settings = read_settings(database_url=db)
    checks = [
        {"name": name, "ok": ok, "detail": detail}
        for name, check in CHECKS.items()
        for ok, detail in [check(settings)]
    ]
    rows = [("ok" if c["ok"] else "--", c["name"], c["detail"]) for c in checks]
    emit(json, {"checks": checks}, lambda: table(("", "check", "detail"), rows))
    if not all(check["ok"] for check in checks if check["name"] in REQUIRED):
        raise typer.Exit(1)


def _store(settings: Settings) -> tuple[bool, str]:
    from workbench.store import open_store
    from workbench.store.database import without_password

    try:
        open_store(settings.database_url).close()
    except WorkbenchError as fault:
        return False, str(fault)
    return True, without_password(settings.database_url)


def _cache(settings: Settings) -> tuple[bool, str]:
    existing: Path = settings.cache
    while not existing.exists():
        existing = existing.parent
    if os.access(existing, os.W_OK):
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


CHECKS: dict[str, Callable[[Settings], tuple[bool, str]]] = {
    "store": _store,
    "cache": _cache,
    "language model": _language_model,
    "model hub": _hub,
}
REQUIRED = frozenset({"store", "cache"})
