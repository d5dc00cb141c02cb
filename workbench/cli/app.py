"""The browser workbench, started from the command line."""

import json as json_text
import os
import sys
import time
import tomllib
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import urlopen

import typer

from workbench.cli.console import Db, Json
from workbench.errors import ConfigError, InvalidConfigError
from workbench.settings import Settings, read_settings

START_UP_S = 600.0  # a slow machine takes a minute
LOOPBACK = "127.0.0.1"
ANY = ("0.0.0.0", "::")
AUTH = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
LEAST_SECRET = 32  # characters


def app(
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; another than this machine's own needs a login."),
    ] = LOOPBACK,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    json: Json = False,
    db: Db = None,
) -> None:
    """Serve the browser workbench until it is stopped, on 127.0.0.1 unless told otherwise.

    With --json the address is printed as soon as the server answers.
    """
    from workbench.store import open_store

    settings = read_settings(database_url=db)
    secrets, names = _login(settings, host)
    open_store(settings.database_url).close()
    command = [sys.executable, "-m", "workbench.app.server", host, str(port), secrets, *names]
    if json:
        _print_url_when_ready(f"http://{LOOPBACK if host in ANY else host}:{port}")
    variables = {"WORKBENCH_DB": settings.database_url, "WORKBENCH_LOGIN": "1" if secrets else "0"}
    # In place of this process: what stops the command stops the server.
    os.execve(sys.executable, command, {**os.environ, **variables})


def _login(settings: Settings, host: str) -> tuple[str, list[str]]:
    """Return the file that sets up the login, "" without, and the names that it answers to.

    Raises:
        ConfigError: A login is needed and there is none, or it cannot be used.
    """
    if settings.secrets is None:
        if settings.login or not _is_loopback(host):
            raise ConfigError(
                f"The workbench listens on {host} only with a login, for whoever reached it could "
                "change everything. Name a file with the section [auth] in WORKBENCH_SECRETS (see "
                "docs/operating.md), or leave --host away. Nothing was started."
            )
        return "", []
    where = f"WORKBENCH_SECRETS ({settings.secrets})"
    try:
        auth = tomllib.loads(settings.secrets.read_text(encoding="utf-8")).get("auth", {})
    except (OSError, ValueError) as fault:
        why = (
            fault.strerror
            if isinstance(fault, OSError)
            else "it is not written as a file of secrets is"
        )
        raise ConfigError(f"{where} cannot be used: {why}. Nothing was started.") from None
    said = {name: str(auth.get(name, "")).strip() for name in AUTH}
    faults = [f"{name}: is missing" for name, text in said.items() if not text]
    if 0 < len(said["cookie_secret"]) < LEAST_SECRET:
        faults.append(f"cookie_secret: has fewer than {LEAST_SECRET} characters")
    own = urlsplit(said["redirect_uri"])
    if own.hostname and not _is_loopback(own.hostname) and own.scheme != "https":
        faults.append("redirect_uri: is no https address, so that others on the way could log in")
    if said["redirect_uri"] and not (own.hostname and own.path == "/oauth2callback"):
        faults.append("redirect_uri: is no address that ends with /oauth2callback")
    if find_spec("authlib") is None:
        faults.append("Authlib: is not installed; pip install 'attribute-workbench[teams]'")
    if faults:
        raise InvalidConfigError(f"The section auth of {where}", faults)
    return str(settings.secrets), [own.hostname or ""]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _print_url_when_ready(url: str) -> None:
    """Print the address from a process of its own once the server answers; logs go to stderr."""
    server, deadline = os.getpid(), time.monotonic() + START_UP_S
    if os.fork() == 0:
        if os.fork() == 0:  # the grandchild is nobody's zombie when it ends
            while (
                not (answered := _answers(url))
                and _is_running(server)
                and time.monotonic() < deadline
            ):
                time.sleep(0.1)
            if answered:
                os.write(1, (json_text.dumps({"url": url}) + "\n").encode())
        os._exit(0)
    os.wait()
    os.dup2(2, 1)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
