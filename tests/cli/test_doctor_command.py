"""Settings and checks on the command line."""

import json

import pytest

from tests.drafting.behaviours import fails, says
from tests.drafting.conftest import scripted  # noqa: F401


@pytest.fixture(autouse=True)
def own_place(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")


@pytest.fixture
def service(scripted, monkeypatch):  # noqa: F811
    monkeypatch.setenv("OPENAI_BASE_URL", scripted.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tell-nobody")
    return scripted


def test_settings_say_their_source_and_no_secret(workbench, service):
    code, out, err = workbench("settings", "--json")
    assert (code, err) == (0, "")
    lines = {line["name"]: line for line in json.loads(out)}
    assert lines["Cache"]["source"] == "WORKBENCH_CACHE"
    assert lines["Device"] == {
        "group": "computing",
        "name": "Device",
        "value": "a GPU if there is one, else the processor",
        "variable": "WORKBENCH_DEVICE",
        "source": "default",
    }
    assert "tell-nobody" not in out + workbench("settings")[1]


def test_the_model_is_asked_only_on_demand(workbench, service):
    service.behaviours = [says("Blurred.")]
    assert "answer" not in workbench("doctor")[1]
    assert service.received == []
    code, out, _ = workbench("doctor", "--ask", "--json")
    assert code == 0
    (answer,) = [check for check in json.loads(out)["checks"] if check["name"] == "answer"]
    assert answer["ok"]
    assert "answered 'Blurred.'" in answer["detail"]
    assert len(service.received) == 1


def test_a_model_that_refuses_is_one_plain_line_and_exit_1(workbench, service):
    service.behaviours = [fails(401, "no such key")]
    code, out, _ = workbench("doctor", "--ask", "--json")
    assert code == 1
    (answer,) = [check for check in json.loads(out)["checks"] if check["name"] == "answer"]
    assert not answer["ok"]
    assert "tell-nobody" not in out
