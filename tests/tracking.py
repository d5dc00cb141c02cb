"""Runs on a real MLflow server: `make tracking`, which sets MLFLOW_SERVER to its command.

Not a part of `make test`: the server needs a hundred packages and a minute or two to start.
"""

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.full_database import CONFIG, a_result, claimed, fill
from tests.ports import free_port
from tests.processes import end, started
from tests.waiting import wait_until
from workbench.domain.run import Control, LockedPart, LossPoint, SplitFigures
from workbench.store import open_store

LOCKED_SRCC = 0.123456789
SPLITS, STAGES, STEPS = 3, 4, 400  # more losses than one request takes


@contextmanager
def server(folder, **more):
    """An MLflow server on loopback with everything below a folder; yields address and process."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = [
        os.environ["MLFLOW_SERVER"], "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.sqlite",
        "--artifacts-destination", str(folder / "artifacts"), *more.pop("options", ()),
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", **more}
    uri = f"http://127.0.0.1:{port}"
    with (
        (folder / "server.log").open("wb") as log,
        started(*command, stdout=log, stderr=log, env=environment) as process,
    ):
        wait_until(lambda: answers(uri, process), f"MLflow at {uri}", every_s=0.2)
        yield uri, process


def answers(uri, process):
    assert process.poll() is None, "the server ended"
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=5) as reply:
            return reply.status == 200
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def post(uri, act, **fields):
    """Ask the server for something that its client has no function for, as its admin."""
    request = urllib.request.Request(
        f"{uri}/api/2.0/mlflow/{act}",
        json.dumps(fields).encode(),
        {
            "Content-Type": "application/json",
            "Authorization": f"Basic {b64encode(b'admin:tell-nobody at all').decode()}",
        },
    )
    urllib.request.urlopen(request).close()


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory):
    with server(tmp_path_factory.mktemp("mlflow")) as (uri, _):
        yield uri


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setenv("WORKBENCH_AUTHOR", "ann")
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        fill(opened)
        yield opened


@pytest.fixture
def full(store):
    """Number of a run with splits, controls, baselines, a locked part, losses and a log."""
    version = store.versions.get("curated")
    run, result = claimed(store, version), a_result(version, CONFIG, noise=0.1)
    points = [
        LossPoint(stage=f"split {stage}, tuning", step=step, loss=1 / step)
        for stage in range(1, STAGES + 1)
        for step in range(1, STEPS + 1)
    ]
    store.traces.add(run.id, store.runs.get(run.id).claim, ["begun", "tuned"], points)
    split = {"images": 30, "quality": result.quality, "identification": result.identification}
    part = LockedPart(
        quality=result.quality.model_copy(update={"srcc": LOCKED_SRCC}),
        identification=result.identification,
        all_clean=result.all_clean,
        predictions=result.predictions,
    )
    control = {"quality": result.quality, "identification": result.identification,
               "predicted": "", "strengths": ""}  # fmt: skip
    more = {
        "splits": tuple(SplitFigures(name=f"fold {n}", **split) for n in range(SPLITS)),
        "baselines": {"stem_ridge": result.quality},
        "controls": tuple(Control(name="nonsense", draw=n, **control) for n in range(2)),
        "locked": part,
    }
    store.runs.finish(run.id, result.model_copy(update=more))
    return run.id


@pytest.fixture
def track(workbench, mlflow_server, request):
    def call(*arguments):
        return workbench(
            *("runs", "track", *arguments, "--to", mlflow_server),
            *("--experiment", request.node.name, "--json"),
        )

    return call


@pytest.fixture
def found(mlflow_server, request):
    """A function that gives the runs of this test's experiment on the server."""
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=mlflow_server)

    def runs():
        experiment = client.get_experiment_by_name(request.node.name)
        return client.search_runs([experiment.experiment_id]) if experiment else []

    runs.client = client
    return runs


def history(found, id, name):
    return [(p.step, p.value) for p in found.client.get_metric_history(id, name)]


def require_complete(found, store, number):
    """One run is there, and all of it once."""
    (there,) = found()
    id, run = there.info.run_id, store.runs.get(number)
    result, tags, metrics = run.result, there.data.tags, there.data.metrics
    assert (there.info.status, there.info.end_time) == (
        "FINISHED",
        round(run.finished_at.timestamp() * 1000),
    )
    assert there.info.start_time == round(run.started_at.timestamp() * 1000)
    assert there.data.params["tuning.learning_rate"] == str(run.config.tuning.learning_rate)
    assert json.loads(there.data.params["data.distortions"]) == list(run.config.data.distortions)
    assert metrics["quality/srcc"] == result.quality.srcc
    assert metrics["identification/accuracy"] == result.identification.accuracy
    assert metrics["baseline/stem_ridge/plcc"] == result.baselines["stem_ridge"].plcc
    assert len(history(found, id, "control/nonsense/quality/srcc")) == 2
    assert history(found, id, "split/quality/srcc") == [
        (step, result.quality.srcc) for step in range(1, SPLITS + 1)
    ]
    for stage in range(1, STAGES + 1):
        points = history(found, id, f"loss/split {stage}_tuning")
        assert points == [(step, 1 / step) for step in range(1, STEPS + 1)]
    version = store.versions.get(run.version)
    assert (tags["workbench.version"], tags["workbench.parent"]) == (version.hash, version.parent)
    assert (tags["workbench.run"], tags["workbench.alias"]) == (
        str(number),
        ", ".join(version.aliases),
    )
    assert (tags["workbench.config_hash"], tags["workbench.encoder"]) == (
        run.config.hash,
        result.encoder.name,
    )
    assert tags["workbench.test_hash"] == store.access_log.list()[-1].test_hash
    files = {file.path for file in found.client.list_artifacts(id)}
    assert files == {"run.json", "attributes.yaml", "run.log"}
    return there


def test_a_run_is_on_the_server_with_all_it_has_but_the_locked_part(
    track, found, store, full, tmp_path
):
    status, out, err = track(full)
    assert (status, err) == (0, "")
    (document,) = json.loads(out)["runs"]
    assert (document["run"], document["state"], document["looks"]["looks"]) == (full, "created", 1)
    there = require_complete(found, store, full)
    assert document["url"].endswith(there.info.run_id)
    texts = {
        file.path: Path(
            found.client.download_artifacts(there.info.run_id, file.path, tmp_path)
        ).read_bytes()
        for file in found.client.list_artifacts(there.info.run_id)
    }
    assert json.loads(texts["run.json"])["result"]["quality"]["srcc"]
    assert b"begun" in texts["run.log"]
    assert b"visible grid" in texts["attributes.yaml"] or b"jpeg" in texts["attributes.yaml"]
    everything = repr((there.data, texts))
    assert str(LOCKED_SRCC) not in everything
    assert str(tmp_path) not in repr(there.data.tags)


def test_what_was_sent_is_found_and_brought_up_to_date(track, found, store, full):
    states = [json.loads(track(full)[1])["runs"][0]["state"] for _ in range(2)]
    store.versions.set_alias("best", "curated", author="ann")
    states.append(json.loads(track(full, full)[1])["runs"][0]["state"])
    assert states == ["created", "unchanged", "updated"]
    assert "best" in require_complete(found, store, full).data.tags["workbench.alias"]


def test_a_failed_run_has_no_figures_and_is_no_access(track, found, store):
    assert track(3)[0] == 0
    (there,) = found()
    assert (there.info.status, there.data.metrics) == ("FAILED", {})
    assert "no finite number" in there.data.tags["workbench.error"]
    assert store.access_log.list() == []


def test_a_killed_command_is_completed_by_the_next(
    track, found, store, full, mlflow_server, request
):
    command = [sys.executable, "-m", "workbench", "runs", "track", full, "--to", mlflow_server]
    with started(*command, "--experiment", request.node.name) as process:
        wait_until(found, "the run on the server")
        end(process)
    assert "workbench.sent" not in found()[0].data.tags
    assert json.loads(track(full)[1])["runs"][0]["state"] == "updated"
    require_complete(found, store, full)


def test_two_at_once_make_one_run(found, store, full, mlflow_server, request):
    command = [sys.executable, "-m", "workbench", "runs", "track", full, "--to", mlflow_server]
    command += ["--experiment", request.node.name]
    with started(*command) as first, started(*command) as second:
        assert (first.wait(), second.wait()) == (0, 0)
    require_complete(found, store, full)


def test_a_server_that_goes_away_is_a_plain_line(workbench, store, full, tmp_path):
    with server(tmp_path / "own") as (uri, process):
        assert workbench("runs", "track", 1, "--to", uri)[0] == 0
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        status, out, err = workbench("runs", "track", full, "--to", uri)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "does not answer. Start it" in err


def test_a_login_comes_from_the_environment_and_a_refused_one_is_a_plain_line(
    workbench, store, tmp_path, monkeypatch
):
    own = tmp_path / "own"
    own.mkdir()
    (own / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{own}/auth.sqlite\n"
        "admin_username = admin\nadmin_password = tell-nobody at all\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    more = {
        "MLFLOW_AUTH_CONFIG_PATH": str(own / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "tell-nobody",
    }
    with server(own, options=["--app-name", "basic-auth"], **more) as (uri, _):
        for password in (None, "wrong"):
            if password:
                monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
                monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
            status, out, err = workbench("runs", "track", 1, "--to", uri)
            assert (status, out, err.count("\n")) == (1, "", 1)
            assert "refuses the login. Set MLFLOW_TRACKING_USERNAME" in err
        assert store.access_log.list() == []
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "tell-nobody at all")
        status, out, _ = workbench("runs", "track", 1, "--to", uri, "--json")
        assert (status, "tell-nobody" in out) == (0, False)
        post(uri, "users/create", username="vic", password="tell-nobody else")
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "vic")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "tell-nobody else")
        status, out, err = workbench("runs", "track", 2, "--to", uri)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert "does not let this login write. Ask whoever runs it." in err
