"""The server of the pages: under which names it answers, what it logs, whether it is healthy."""

import os
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from streamlit.starlette import App

from workbench.errors import WorkbenchError
from workbench.event_log import log_event
from workbench.settings import Settings, read_settings, resource
from workbench.store import Store, open_store
from workbench.workflow.surroundings import nearest_existing

LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEALTH = "/health"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class OwnNames:
    """Refuses requests under a name that is not this server's, or from a page of another site.

    So no page of a foreign site whose name leads to this machine can drive the workbench. It goes
    for HTTP as for WebSockets; a program that states no Origin is not a page.

    Args:
        app: What answers the others.
        names: Host names under which it may be asked.
    """

    def __init__(self, app: Application, names: tuple[str, ...]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            asked = [f"//{headers.get('host', '')}", *([] if origin is None else [origin])]
            if not all(_host(address) in self._names for address in asked):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    answer = PlainTextResponse("This is not the workbench's name.\n", 403)
                    await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Logged:
    """Logs every request with its path, status and time; a query could hold a secret.

    Args:
        app: What answers.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and log it when it is over."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), 0

        async def observed(message: Any) -> None:
            nonlocal status
            known = {"websocket.accept": 101, "websocket.close": status or 403}
            status = message.get("status") or known.get(message["type"], status)
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            log_event(
                "request", kind=scope["type"], method=scope.get("method"), path=scope["path"],
                status=status, ms=round(1000 * (time.monotonic() - begun), 1),
            )  # fmt: skip


def application(settings: Settings, script: Path, names: tuple[str, ...], store: Store) -> App:
    """Return the pages with what surrounds them.

    Args:
        settings: Surroundings.
        script: Streamlit's script.
        names: Host names under which it may be asked.
        store: Asked for health.
    """

    async def health(_request: Request) -> JSONResponse:
        checks = await run_in_threadpool(_health, settings, store)
        return JSONResponse(checks, status_code=200 if checks["ok"] else 503)

    return App(
        script,
        routes=[Route(HEALTH, health)],
        middleware=[Middleware(Logged), Middleware(OwnNames, names=names)],
    )


def _health(settings: Settings, store: Store) -> dict[str, bool]:
    """Tell whether what everything needs works; not where it is, for anybody may ask."""
    try:
        store.overview.newest_event()
        reads = True
    except WorkbenchError:
        reads = False
    writes = os.access(nearest_existing(settings.cache), os.W_OK)
    return {"ok": reads and writes, "store": reads, "cache": writes}


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def serve(host: str, port: int, names: tuple[str, ...], secrets: Path | None) -> None:
    """Serve the pages until a signal comes.

    Args:
        host: Address to bind.
        port: Port to listen on.
        names: Host names under which it may be asked, besides this machine's own.
        secrets: File with the section "auth" of Streamlit's secrets.
    """
    settings, script = read_settings(), resource("streamlit_app.py")
    config: dict[str, Any] = {
        "server.address": host, "server.port": port, "server.headless": True,
        "server.allowedHosts": [*LOOPBACK, *names],
        "server.fileWatcherType": "none", "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal", "client.showErrorDetails": "none",
    }  # fmt: skip
    if secrets is not None:
        config["secrets.files"] = [str(secrets)]
    sys.argv = [str(script)]  # Streamlit reads the configuration that lies beside its script
    with open_store(settings.database_url) as store:
        application(settings, script, (*LOOPBACK, *names), store).run(config=config)


if __name__ == "__main__":
    from workbench.event_log import write_events

    if read_settings().log_events:
        write_events()
    host, port, secrets, *own = sys.argv[1:]
    serve(host, int(port), tuple(own), Path(secrets) if secrets else None)
