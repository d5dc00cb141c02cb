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


def test_the_app_answers_on_loopback_and_one_signal_stops_all_of_it(tmp_path):
    port = free_port()
    with started(
        *(sys.executable, "-m", "workbench", "app", "--port", port),
        env={**os.environ, "WORKBENCH_HOME": str(tmp_path), "WORKBENCH_DB": f"sqlite:///{tmp_path}/db"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as app:  # fmt: skip
        health = f"http://127.0.0.1:{port}/_stcore/health"
        wait_until(lambda: answer(health) == b"ok" or app.poll() is not None, "the app is up")
        assert [opens_a_session(port, host) for host in ("localhost", "127.0.0.1")] == [True, True]
        assert not opens_a_session(port, "rebound.example")
        family = [psutil.Process(app.pid), *psutil.Process(app.pid).children(recursive=True)]
        app.terminate()
        app.wait(PATIENCE_S)
        assert psutil.wait_procs(family, timeout=PATIENCE_S)[1] == []


def opens_a_session(port, host):
    """Tell whether a page that the browser knows under a host name gets a WebSocket."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    headers = {
        "Host": f"{host}:{port}", "Origin": f"http://{host}:{port}", "Connection": "Upgrade",
        "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
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
