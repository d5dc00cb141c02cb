"""Comparing with the real command: looks are counted, parts and published figures shown."""

import csv
import json

import pytest

from tests.app.full_database import CONFIG, DISTORTIONS, a_result, claimed, fill, finish
from tests.databases import fresh_database
from tests.factories import make_protocol
from workbench.domain.run import Transfer
from workbench.store import open_store

pytestmark = pytest.mark.slow

REFS = ("draft", "curated")


@pytest.fixture
def compare(workbench, tmp_path, monkeypatch):
    """Return `workbench compare` on two finished runs; with `--json`, stdout is read."""
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    monkeypatch.setenv("WORKBENCH_AUTHOR", "ann")

    def run(*options):
        status, out, err = workbench("compare", *REFS, *options)
        return status, json.loads(out) if "--json" in options and out else out, err

    return run


@pytest.fixture
def store(compare, tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        fill(opened)
        yield opened


def test_every_comparison_is_a_look_at_each_version_on_record(compare, store):
    first, second = (compare("--json", "--author", name)[1] for name in ("bob", "eve"))
    assert [one["looks"]["looks"] for one in (first, second)] == [2, 4]
    assert [one["looks"]["versions"] for one in (first, second)] == [2, 2]
    assert first["pairs"] == second["pairs"]  # the same two versions are no more candidates
    looks = store.access_log.list(first["test_hash"])
    assert [(look.author, look.purpose) for look in looks] == [
        (name, "compare draft, curated") for name in ("bob", "bob", "eve", "eve")
    ]
    assert store.verify() == []


def test_the_count_stands_beside_the_figures(compare, store):
    words = " ".join(compare()[1].split())
    assert "accessed 2 times, 2 versions" in words
    assert "SRCC of the best of 2 candidates" in words
    assert store.access_log.list()[0].author == "ann"


def test_parts_are_shown_on_request(compare, store):
    assert "SRCC within each" not in compare()[1]
    _, text, _ = compare("--by", "distortion", "--by", "level")
    assert "SRCC within each distortion" in text
    assert "SRCC within each level" in text
    assert all(name in text for name in DISTORTIONS)
    assert "curated lies above draft in" in text
    _, document, _ = compare("--by", "photograph", "--json")
    assert {part["kind"] for part in document["subsets"]} == {
        "distortion", "level", "group", "photograph",
    }  # fmt: skip


def test_published_figures_stand_beside_and_in_no_pair(compare, store):
    _, document, _ = compare("--quote", "exiqa-table-3:exiqa", "--json")
    assert {row["dataset"] for row in document["quoted"]} >= {"KADID-10k", "LIVE"}
    assert len(document["rows"]) == 2
    assert len(document["pairs"]) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--by", "levle"), "level"),
        (("--quote", "exiqa-table-33"), "exiqa-table-3"),
        (("--locked",), "has no locked part. Set split.locked"),
    ],
)
def test_what_cannot_be_shown_is_one_plain_line_and_no_look(compare, store, options, words):
    status, out, err = compare(*options)
    assert (status, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1
    assert store.access_log.list() == []


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--report", "a file/r.html"),  # a folder cannot be made where a file is
        ("--report", "a folder"),
        ("--csv", "a file"),
        ("--csv", "a file/tables.zip"),
    ],
)
def test_a_report_that_cannot_be_written_costs_no_look(compare, store, tmp_path, option, name):
    (tmp_path / "a file").write_text("kept")
    (tmp_path / "a folder").mkdir()
    status, out, err = compare(option, tmp_path / name)
    assert (status, out, store.access_log.list()) == (1, "", [])
    assert f"cannot be written to {tmp_path / name}: " in err
    assert err.endswith("Name another path. No look was counted.\n")
    assert (tmp_path / "a file").read_text() == "kept"


@pytest.mark.parametrize("name", ["r.html", "r.json"])
def test_the_report_holds_the_same_figures_and_the_looks(compare, store, tmp_path, name):
    _, document, _ = compare("--json", "--report", tmp_path / name)
    text = (tmp_path / name).read_text("utf-8")
    if name.endswith("html"):
        assert text.startswith("<!DOCTYPE html>")
        assert '<table id="looks">' in text
    else:
        assert json.loads(text)["comparison"] == document


def test_every_table_is_written_as_csv(compare, store, tmp_path):
    _, document, _ = compare("--json", "--csv", tmp_path / "tables")
    with (tmp_path / "tables" / "quality.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    srcc = [row["srcc"] for row in document["rows"]]
    assert [float(row["srcc"]) for row in rows[:2]] == pytest.approx(srcc)
    assert (tmp_path / "tables" / "looks.csv").exists()


def test_single_runs_stand_side_by_side_whatever_they_were_made_with(workbench, store):
    by_run = json.loads(workbench("compare", "--run", 1, "--run", 2, "--json")[1])
    by_version = json.loads(workbench("compare", *REFS, "--json")[1])
    assert by_run["pairs"] == by_version["pairs"]
    assert store.access_log.list()[0].purpose == "compare run 1, run 2"


def test_only_runs_on_the_named_data_and_terms_are_taken(compare, store):
    described = store.runs.get(1).result.protocol
    terms = ("--dataset", described.dataset[:12].upper(), "--protocol", described.target)
    assert compare(*terms, "--json")[1]["protocol"]["dataset"] == described.dataset
    assert compare("--dataset", "KADID", "--protocol", "MOS")[::2] == (
        1,
        "workbench: No configuration with 'KADID' and 'MOS' has been run to its end for all of "
        "draft, curated. Run each of them with the same experiment: workbench run REF --config "
        "FILE.\n",
    )


@pytest.mark.parametrize(
    "names", [("draft",), ("--run", 1), ("--run", 1, "--run", 1), ("draft", "--run", 1), ()]
)
def test_one_of_anything_or_both_kinds_is_wrong_usage(workbench, store, names):
    status, _, err = workbench("compare", *names)
    assert status == 2
    assert "Name two versions or more, or two runs or more by --run." in err.replace("│", "")


def test_what_was_opened_is_shown_again_as_it_was_and_not_counted(compare, store):
    status, out, err = compare("--reopen")
    assert (status, out) == (1, "")
    assert "have not been compared on this test set yet" in err
    opened = compare("--json")[1]
    store.access_log.add(opened["test_hash"], run=1, purpose="runs show 1", author="bob")
    assert compare("--json", "--reopen", "--author", "eve")[1] == opened
    assert len(store.access_log.list()) == 3


def test_other_data_is_compared_on_by_a_part_of_its_name(workbench, store):
    made = []
    for run, noise in ((1, 0.1), (2, 0.3)):
        of_run = store.runs.get(run)
        version = store.versions.get(of_run.version)
        there = a_result(version, CONFIG, noise=noise, photographs=6)
        transfer = Transfer(
            protocol=make_protocol(dataset="The other photographs", data_hash="f" * 64),
            identification=there.identification,
            all_clean=there.all_clean,
            frozen=there.quality,
            zero_shot=there.quality,
            predictions=there.predictions,
        )
        again = claimed(store, version)
        result = of_run.result.model_copy(update={"transfers": (transfer,)})
        store.runs.finish(again.id, result)
        made.append(again)
    status, out, _ = workbench("compare", *REFS, "--transfer", "OTHER", "--json")
    document = json.loads(out)
    assert status == 0
    assert document["protocol"]["dataset"] == "The other photographs"
    (first,) = (run for run in made if run.version == document["rows"][0]["version"])
    assert document["rows"][0]["srcc"] == there_srcc(store, first.id)
    assert {look.test_hash for look in store.access_log.list()} == {document["test_hash"]}
    status, _, err = workbench("compare", *REFS, "--transfer", "elsewhere")
    assert status == 1
    assert "not tested on other data like 'elsewhere'. It has: The other photographs." in err


def test_all_seeds_that_the_versions_have_in_common_are_compared_and_counted(compare, store):
    status, _, err = compare("--seeds")
    assert status == 1
    assert "no training seed in common but 0" in err
    for seed, noises in ((1, (0.21, 0.07)), (2, (0.19, 0.09))):
        config = CONFIG.model_copy(update={"seed": seed})
        for ref, noise in zip(REFS, noises, strict=True):
            finish(store, store.versions.get(ref), noise=noise, config=config)
    _, document, _ = compare("--seeds", "--json")
    over = document["over_seeds"]
    assert over["seeds"] == [2, 0, 1]  # the newest first, whose figures the rest shows
    assert over["rows"][0]["by_seed"][0] == document["rows"][0]["srcc"]
    assert over["pairs"][0]["verdict"] == "better"
    assert document["looks"]["looks"] == 6  # every run whose figures are shown
    text = " ".join(compare("--seeds")[1].split())
    assert "SRCC over 3 training seeds" in text
    assert "With other photographs and other seeds: curated is better than draft" in text


def there_srcc(store, run):
    return store.runs.get(run).result.transfers[0].frozen.srcc
