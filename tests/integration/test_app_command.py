"""`workbench app` serves the pages and is gone when it is stopped."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import psutil


def test_the_app_answers_on_loopback_and_one_signal_stops_all_of_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, "-m", "workbench", "app", "--port", str(port)],
        env={**os.environ, "WORKBENCH_HOME": str(tmp_path), "WORKBENCH_DB": f"sqlite:///{tmp_path}/db"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        assert answer(f"http://127.0.0.1:{port}/_stcore/health", within_s=60) == b"ok"
        family = [psutil.Process(app.pid), *psutil.Process(app.pid).children(recursive=True)]
    finally:
        app.terminate()
        app.wait(20)
    assert psutil.wait_procs(family, timeout=10)[1] == []


def answer(url, *, within_s):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                return response.read()
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)
