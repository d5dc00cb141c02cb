"""Commands in the background: seen by whoever asks, cancelled, and never started twice."""

import json

import psutil
import pytest

from tests.waiting import wait_until
from workbench.queue.jobs import ACTIVE, cancel_job, forget_job, jobs, start_job
from workbench.settings import read_settings

pytestmark = pytest.mark.process

KEY = "sk-tell-nobody-0123456789"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_AUTHOR", "eva")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return read_settings(database_url=f"sqlite:///{tmp_path / 'store.sqlite'}")


@pytest.fixture
def start(settings):
    """Start a command; whatever becomes of the test, none is left behind."""
    yield lambda *words: start_job(settings, settings.database_url, "A job", words)
    for job in jobs(settings):
        cancel_job(settings, job)
    wait_until(lambda: not any(j.status in ACTIVE for j in jobs(settings)), "all jobs have ended")


def only(settings):
    (job,) = jobs(settings)
    return job


def over(settings):
    wait_until(lambda: only(settings).status not in ACTIVE, "the job is over")
    return only(settings)


def test_a_job_is_done_with_its_answer_and_can_be_forgotten(settings, start, tmp_path):
    started = start("generate", "--count", "2", "--distortions", "jpeg", "--workers", "1",
                    "--size", "64x64", "--", "packaged", str(tmp_path / "set"))  # fmt: skip
    assert started.status in {"running", "done"}
    job = over(settings)
    assert (job.status, job.share, job.author, job.title) == ("done", 1.0, "eva", "A job")
    assert job.document["images"] == 2
    forget_job(settings, job)
    assert jobs(settings) == []
    assert (tmp_path / "set" / "manifest.parquet").exists()


def test_the_same_command_is_started_once_and_cancelled_by_whoever_sees_it(
    settings, start, tmp_path
):
    words = ("generate", "--count", "100000", "--workers", "1", "--", "packaged",
             str(tmp_path / "set"))  # fmt: skip
    first, second = start(*words), start(*words)
    assert first.folder == second.folder
    wait_until(lambda: "images" in only(settings).stage, "the first images are made")
    process = psutil.Process(json.loads((first.folder / "job.json").read_text())["pid"])
    assert process.environ()["OPENAI_API_KEY"] == KEY  # it is given there, and nowhere else
    assert KEY not in str([each.cmdline() for each in (process, *process.children())])
    assert not any(KEY.encode() in f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert 0 < only(settings).share < 1
    cancel_job(settings, only(settings))
    assert only(settings).status in {"stopping", "cancelled"}
    assert over(settings).status == "cancelled"
    assert (tmp_path / "set" / "set.json").exists()


def test_one_that_cannot_be_done_says_so_in_the_commands_own_line(settings, start):
    start("datasets", "check", "--", "kadid11k", "nowhere")
    job = over(settings)
    assert job.status == "failed"
    assert "Did you mean 'kadid10k'?" in job.stage


def test_a_check_that_finds_problems_is_done(settings, start, tmp_path):
    start("datasets", "check", "--", "kadid10k", str(tmp_path))
    job = over(settings)
    assert job.status == "done"
    assert job.document["problems"]


def test_a_process_that_has_taken_the_number_of_a_dead_one_is_not_the_job(settings, start):
    start("datasets", "check", "--", "kadid11k", "nowhere")
    over(settings)
    file = only(settings).folder / "job.json"
    record = json.loads(file.read_bytes())
    file.write_text(json.dumps(record | {"pid": 1}))
    assert only(settings).status == "failed"
