"""`workbench draft` against a real server that says what it is told to."""

# ruff: noqa: F811  (the fixture of the other folder is asked for by its name)

import json
import signal
import subprocess
import sys

import pytest

from tests.databases import fresh_database
from tests.drafting.behaviours import by_seed, by_words, fails, lists, stalls_before_headers
from tests.drafting.conftest import scripted  # noqa: F401
from tests.processes import started
from tests.waiting import PATIENCE_S, wait_until
from workbench.domain.attributes import Attribute
from workbench.store import open_store

TWO_SAMPLES = by_seed(
    {0: lists("pale sky", "blocky edges"), 3: lists("blocky edges", "grainy walls")}
)


@pytest.fixture
def place(tmp_path, monkeypatch, scripted):
    """A store of the test's own, and the scripted server as the language model."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    monkeypatch.setenv("WORKBENCH_AUTHOR", "eva")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", scripted.url)
    with open_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        yield store


def phrases(store, distortion="jpeg"):
    return list(store.draft.attribute_set().phrases().get(distortion, ()))


def test_samples_are_pooled_and_the_best_come_into_the_draft(workbench, place, scripted):
    scripted.behaviours = [TWO_SAMPLES]
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
    scripted.behaviours = [TWO_SAMPLES]
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
    scripted.behaviours = [by_words(jpeg=fails(400), pixelate=lists("pale sky", "blocky edges"))]
    status, _, err = workbench("draft", "jpeg", "pixelate", "--k", 2)
    assert status == 1
    assert "1 of 2 distortions could not be drafted" in err
    assert "jpeg: The language model at" in err
    assert (phrases(place), phrases(place, "pixelate")) == ([], ["pale sky", "blocky edges"])


def test_nothing_is_asked_before_every_name_is_known(workbench, place, scripted):
    for wrong in (["jpegg"], ["jpeg", "--template", "papers"]):
        status, _, err = workbench("draft", "pixelate", *wrong)
        assert (status, scripted.received) == (1, [])
        assert "Did you mean" in err


def test_the_log_alone_answers_what_was_asked_before(workbench, place, scripted, monkeypatch):
    scripted.behaviours = [TWO_SAMPLES]
    asked = workbench("draft", "jpeg", "--k", 2, "--samples", 2, "--json")[1]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # where nobody listens
    status, out, _ = workbench("draft", "jpeg", "--k", 2, "--samples", 2, "--offline", "--json")
    assert (status, out) == (0, asked)
    status, out, err = workbench("draft", "jpeg", "--k", 3, "--offline", "--json")
    assert (status, json.loads(out), phrases(place)) == (1, [], ["blocky edges", "pale sky"])
    assert err.splitlines()[-1].startswith("workbench: The log lacks 1 of 1 answers of gpt-4o-mini")


def test_named_neighbours_alone_are_shown(workbench, place):
    arguments = ["draft", "jpeg", "--template", "contrastive", "--dry-run"]
    named = ["--neighbour", "gaussian_blur", "--neighbour", "pixelate"]
    shown = workbench(*arguments, *named)[1]
    told = [line.split(":")[0] for line in shown.splitlines() if "be confused with" in line]
    assert [line.split(" with ")[1] for line in told] == ["Gaussian blur", "Pixelate"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--neighbour", "pixelate"], "Template 'few_shot' shows no neighbours, so --neighbour"),
        (["--template", "contrastive", "--neighbour", "pixelat"], "Did you mean 'pixelate'?"),
    ],
)
def test_neighbours_that_cannot_be_shown_are_refused(workbench, place, scripted, arguments, words):
    status, _, err = workbench("draft", "jpeg", *arguments)
    assert (status, scripted.received) == (1, [])
    assert words in err


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
    scripted.behaviours = [TWO_SAMPLES]
    workbench("draft", "jpeg", "--k", 2, "--samples", 2)
    workbench("calls", "export", tmp_path / "log.jsonl")
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "other.sqlite"))
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
    rows = json.loads(workbench("draft", "jpeg", "--k", 2, "--json")[1])
    cost = pytest.approx((7 * 1000 + 9 * 2000) / 1e6)
    assert place.calls.get(1).cost_usd == cost
    assert [row["cost_usd"] for row in rows] == [cost, cost]


@pytest.mark.parametrize("table", ["m: 3", "m: [1]", "m: [-1, 2]", "[1, 2]", "m: [a, b]", "m: ["])
def test_a_price_table_that_cannot_be_read_is_refused_before_anything_is_asked(
    workbench, place, scripted, tmp_path, table
):
    (tmp_path / "prices.yaml").write_text(table)
    status, _, err = workbench("draft", "jpeg")
    assert (status, scripted.received) == (1, [])
    assert "prices.yaml cannot be used; write one line for each model" in err


@pytest.mark.process
@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_break_keeps_what_arrived_and_waits_for_no_answer(place, scripted, concurrency):
    scripted.behaviours = [lists("pale sky", "blocky edges"), stalls_before_headers]
    command = [sys.executable, "-m", "workbench", "draft", "jpeg", "pixelate", "--k", "2"]
    command += ["--concurrency", str(concurrency)]
    with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(
            lambda: (
                process.poll() is not None or (place.draft.rows() and len(scripted.received) == 2)
            ),
            "one question is answered and the other is asked",
        )
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert not scripted.over.is_set()  # the server is silent still, so nothing waited for it
    assert process.returncode == 130
    assert "Traceback" not in err
    assert [row.attribute.phrase for row in place.draft.rows()] == ["pale sky", "blocky edges"]
