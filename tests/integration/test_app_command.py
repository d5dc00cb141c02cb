"""`workbench app` serves the pages and is gone when it is stopped."""

import json
import os
import subprocess
import sys
import urllib.request
from base64 import b64encode
from http import HTTPStatus
from http.client import HTTPConnection

import psutil
import pytest

from tests.ports import free_port
from tests.processes import started
from tests.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.process

KEY = "sk-tell-nobody-0123456789"


def test_the_app_answers_on_loopback_and_one_signal_stops_all_of_it(tmp_path):
    port = free_port()
    with (tmp_path / "log").open("w") as errors, started(
        *(sys.executable, "-m", "workbench", "app", "--port", port),
        env={
            **os.environ, "WORKBENCH_HOME": str(tmp_path), "WORKBENCH_DB": f"sqlite:///{tmp_path}/db",
            "OPENAI_API_KEY": KEY, "WORKBENCH_LOG": "json",
        },
        stdout=subprocess.DEVNULL, stderr=errors,
    ) as app:  # fmt: skip
        health = f"http://127.0.0.1:{port}/_stcore/health"
        wait_until(lambda: answer(health) == b"ok" or app.poll() is not None, "the app is up")
        assert [opens_a_session(port, host) for host in ("localhost", "127.0.0.1")] == [True, True]
        assert not opens_a_session(port, "rebound.example")
        assert not opens_a_session(port, "localhost", origin="http://rebound.example")
        assert not opens_a_session(port, "localhost", origin=f"http://localhost.example:{port}")
        assert [asked_as(port, host) for host in ("localhost", "rebound.example")] == [
            HTTPStatus.OK, HTTPStatus.FORBIDDEN,
        ]  # fmt: skip
        assert json.loads(answer(f"http://127.0.0.1:{port}/health")) == {
            "ok": True, "store": True, "cache": True,
        }  # fmt: skip
        family = [psutil.Process(app.pid), *psutil.Process(app.pid).children(recursive=True)]
        assert KEY not in str([process.cmdline() for process in family])
        app.terminate()
        app.wait(PATIENCE_S)
        assert psutil.wait_procs(family, timeout=PATIENCE_S)[1] == []
    log = (tmp_path / "log").read_text()
    assert '"path": "/health", "status": 200' in log
    assert '"status": 403' in log
    assert not any(KEY.encode() in f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert KEY not in log


def asked_as(port, host):
    """Return the status of a plain request under a host name."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/", headers={"Host": f"{host}:{port}"})
    status = connection.getresponse().status
    connection.close()
    return status


def opens_a_session(port, host, origin=None):
    """Tell whether a page gets a WebSocket under a host name, its own unless it says another."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    headers = {
        "Host": f"{host}:{port}", "Origin": origin or f"http://{host}:{port}",
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": b64encode(bytes(16)).decode(),
    }  # fmt: skip
    connection.request("GET", "/_stcore/stream", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status == HTTPStatus.SWITCHING_PROTOCOLS


def answer(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
            return response.read()
    except OSError:
        return None


def test_with_json_the_address_is_printed_once_the_server_answers_it(tmp_path):
    port = free_port()
    with started(
        *(sys.executable, "-m", "workbench", "app", "--port", port, "--json"),
        env={**os.environ, "WORKBENCH_HOME": str(tmp_path), "WORKBENCH_DB": f"sqlite:///{tmp_path}/db"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as app:  # fmt: skip
        url = json.loads(app.stdout.readline())["url"]
        assert url == f"http://127.0.0.1:{port}"
        assert answer(f"{url}/_stcore/health") == b"ok"
        app.terminate()
        rest, _ = app.communicate(timeout=PATIENCE_S)
    assert rest == b""  # the server's own lines go to stderr
