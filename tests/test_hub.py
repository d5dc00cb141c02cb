import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from workbench.hub import LIMIT_S, answers, hub_reachable
from workbench.settings import read_settings


@pytest.fixture
def silent_server():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_a_silent_host_is_given_up_within_three_seconds(silent_server):
    assert LIMIT_S < 3
    assert not answers(silent_server)  # which would otherwise be waited for without end


@pytest.mark.parametrize(("status", "reachable"), [(200, True), (403, False), (503, False)])
def test_only_a_success_counts(status, reachable):
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert answers(f"http://127.0.0.1:{server.server_port}/") is reachable
        thread.join()


def test_offline_asks_nobody():
    assert not hub_reachable(read_settings().model_copy(update={"offline": True}))
