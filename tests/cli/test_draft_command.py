"""`workbench draft` against a real server that says what it is told to."""

# ruff: noqa: F811  (the fixture of the other folder is asked for by its name)

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.drafting.behaviours import fails, lists, stalls_before_headers
from tests.drafting.conftest import scripted  # noqa: F401
from workbench.domain.attributes import Attribute
from workbench.store import open_store


@pytest.fixture
def place(tmp_path, monkeypatch, scripted):
    """A store of the test's own, and the scripted server as the language model."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path / 'store.sqlite'}")
    monkeypatch.setenv("WORKBENCH_AUTHOR", "eva")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", scripted.url)
    with open_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        yield store


def phrases(store, distortion="jpeg"):
    return list(store.draft.attribute_set().phrases().get(distortion, ()))


def test_samples_are_pooled_and_the_best_come_into_the_draft(workbench, place, scripted):
    scripted.behaviours = [lists("pale sky", "blocky edges"), lists("blocky edges", "grainy walls")]
    status, out, _ = workbench("draft", "jpeg", "--k", 2, "--samples", 2, "--json")
    rows = json.loads(out)
    assert status == 0
    assert [(row["phrase"], row["rank"], row["support"]) for row in rows] == [
        ("blocky edges", 1, "2 of 2"),
        ("pale sky", 2, "1 of 2"),
    ]
    assert phrases(place) == ["blocky edges", "pale sky"]
    assert place.calls.get(rows[0]["call_id"]).request.sample == 0


def test_others_are_picked_by_rank_without_asking_again(workbench, place, scripted):
    scripted.behaviours = [lists("pale sky", "blocky edges"), lists("blocky edges", "grainy walls")]
    workbench("draft", "jpeg", "--k", 2, "--samples", 2)
    status, _, _ = workbench("draft", "jpeg", "--k", 2, "--samples", 2, "--pick", "3,1")
    assert status == 0
    assert phrases(place) == ["grainy walls", "blocky edges"]
    assert len(scripted.received) == 2


@pytest.mark.parametrize(
    ("pick", "words"), [("0", "takes ranks such as 1,4,6"), ("9", "There are 2 candidates of jpeg")]
)
def test_a_rank_that_cannot_be_picked_changes_nothing(workbench, place, scripted, pick, words):
    scripted.behaviours = [lists("pale sky", "blocky edges")]
    status, _, err = workbench("draft", "jpeg", "--k", 2, "--pick", pick)
    assert (status, phrases(place)) == (1, [])
    assert words in err


def test_what_a_person_wrote_or_judged_stays(workbench, place, scripted):
    mine = place.draft.add("jpeg", Attribute(phrase="my own words"), author="eva")
    call = Attribute(phrase="old words of a model", origin="llm")
    place.draft.add("jpeg", call, author="eva")
    judged = place.draft.add("jpeg", Attribute(phrase="dull sky", origin="llm"), author="eva")
    place.draft.set_status(judged.id, "accepted", based_on=1, author="eva")
    scripted.behaviours = [lists("pale sky", "own word my")]
    assert workbench("draft", "jpeg", "--k", 2)[0] == 0
    assert phrases(place) == ["my own words", "dull sky", "pale sky"]
    assert place.draft.rows("jpeg")[0].attribute.identity == mine.attribute.identity


def test_log_only_leaves_the_draft_alone(workbench, place, scripted):
    scripted.behaviours = [lists("pale sky", "blocky edges")]
    status, out, _ = workbench("draft", "jpeg", "--k", 2, "--log-only", "--json")
    assert (status, len(json.loads(out)), phrases(place)) == (0, 2, [])
    assert len(place.calls.list()) == 1


def test_a_distortion_that_fails_stops_no_other(workbench, place, scripted):
    scripted.behaviours = [fails(400), lists("pale sky", "blocky edges")]
    status, _, err = workbench("draft", "jpeg", "pixelate", "--k", 2)
    assert status == 1
    assert "1 of 2 distortions could not be drafted" in err
    assert "jpeg: The language model at" in err
    assert (phrases(place), phrases(place, "pixelate")) == ([], ["pale sky", "blocky edges"])


def test_a_template_that_shows_the_draft_or_the_neighbours_says_so_in_a_dry_run(workbench, place):
    place.draft.add("jpeg", Attribute(phrase="ugly tiles"), author="eva")
    shown = workbench("draft", "jpeg", "--template", "refine", "--dry-run")[1]
    assert "- ugly tiles\n" in shown
    assert "- ugly tiles: 'ugly' is a judgement." in shown
    shown = workbench("draft", "jpeg", "--template", "contrastive", "--dry-run")[1]
    assert "confused with JPEG2000:" in shown


def test_a_log_read_elsewhere_answers_there_and_nobody_is_asked(
    workbench,
    place,
    scripted,
    tmp_path,
    monkeypatch,
):
    scripted.behaviours = [lists("pale sky", "blocky edges"), lists("blocky edges", "grainy walls")]
    workbench("draft", "jpeg", "--k", 2, "--samples", 2)
    workbench("calls", "export", tmp_path / "log.jsonl")
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path / 'other.sqlite'}")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # where nobody listens
    assert workbench("calls", "import", tmp_path / "log.jsonl")[0] == 0
    assert workbench("draft", "jpeg", "--k", 2, "--samples", 2)[0] == 0
    with open_store(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        assert other.draft.attribute_set() == place.draft.attribute_set()
        assert [call.reply for call in other.calls.list()] == [
            call.reply for call in place.calls.list()
        ]
    assert len(scripted.received) == 2


def test_a_call_costs_what_the_price_table_says(workbench, place, scripted, tmp_path):
    (tmp_path / "prices.yaml").write_text("gpt-4o-mini: [1000, 2000]\n")
    scripted.behaviours = [lists("pale sky", "blocky edges")]
    workbench("draft", "jpeg", "--k", 2)
    assert place.calls.get(1).cost_usd == pytest.approx((7 * 1000 + 9 * 2000) / 1e6)


@pytest.mark.parametrize("table", ["m: 3", "m: [1]", "m: [-1, 2]", "[1, 2]", "m: [a, b]", "m: ["])
def test_a_price_table_that_cannot_be_read_is_refused_before_anything_is_asked(
    workbench, place, scripted, tmp_path, table
):
    (tmp_path / "prices.yaml").write_text(table)
    status, _, err = workbench("draft", "jpeg")
    assert (status, scripted.received) == (1, [])
    assert "prices.yaml cannot be used; write one line for each model" in err


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_break_keeps_what_arrived_and_ends_at_once(place, scripted, concurrency):
    scripted.behaviours = [lists("pale sky", "blocky edges"), stalls_before_headers]
    command = [sys.executable, "-m", "workbench", "draft", "jpeg", "pixelate", "--k", "2"]
    command += ["--concurrency", str(concurrency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not place.draft.rows() or len(scripted.received) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    broken_at = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - broken_at < 10
    assert process.returncode != 0
    assert "Traceback" not in err
    assert [row.attribute.phrase for row in place.draft.rows()] == ["pale sky", "blocky edges"]
