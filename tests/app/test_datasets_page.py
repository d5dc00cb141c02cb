"""The page Datasets: what is there, samples, a table of strangers, splits and generated sets."""

import json
import re

import pytest
from PIL import Image

from tests.datasets import layouts
from tests.waiting import wait_until
from workbench.datasets.adapters import registered_tables
from workbench.errors import ConfigError, DataError
from workbench.queue.jobs import ACTIVE, cancel_job, jobs
from workbench.workflow.datasets import (
    MOST_MB,
    OfferedTable,
    open_dataset,
    samples,
    table_preview,
    take_table,
)

pytestmark = [pytest.mark.slow, pytest.mark.process]

ROWS = "photo,rating,type\nshots/a.png,1.5,jpeg\nshots/b.png,4,jpeg\nshots/c.png,3,rain\n"
COLUMNS = {"image": "photo", "score": "rating", "distortion": "type"}


@pytest.fixture
def table(settings):
    """A table whose columns nobody knows by name, with its images."""
    (settings.home / "shots").mkdir()
    for name, grey in (("a", 40), ("b", 120), ("c", 200)):
        Image.new("RGB", (80, 60), (grey, grey, grey)).save(settings.home / f"shots/{name}.png")
    file = settings.home / "ratings.csv"
    file.write_text(ROWS)
    return OfferedTable("ratings.csv", None, file, None)


@pytest.fixture
def registered(table, settings):
    return take_table(table, table_preview(table, columns=COLUMNS), settings, "", replace=False)


@pytest.fixture
def no_jobs_left(settings):
    yield
    for job in jobs(settings):
        cancel_job(settings, job)
    wait_until(lambda: not any(j.status in ACTIVE for j in jobs(settings)), "all jobs have ended")


def texts(shown):
    assert not shown.exception
    return "".join(box.proto.body for box in shown.get("html"))


def button(shown, label):
    (found,) = [one for one in shown.button if one.label == label]
    return found


def test_published_datasets_say_how_to_obtain_them(page, store):
    shown = page("datasets")
    assert "KADID-10k" in texts(shown)
    assert "10,125" in texts(shown)
    shown = shown.selectbox(key="dataset").select("tid2013").run()
    assert "mos\\_with\\_names" in shown.info[0].value


def test_a_registered_table_shows_its_health_and_samples_by_score(page, store, registered):
    shown = page("datasets")
    assert shown.selectbox(key="dataset").value == "ratings"
    assert "3, all of them there" in texts(shown)
    assert "1.5 to 4 (rating, higher is better)" in texts(shown)
    pictures = next(box.proto.body for box in shown.get("html") if "wb-samples" in box.proto.body)
    order = [pictures.index(f"score {score}") for score in ("1.5", "3", "4")]
    assert order == sorted(order)
    shown = shown.selectbox(key="sample").select("rain").run()
    pictures = next(box.proto.body for box in shown.get("html") if "wb-samples" in box.proto.body)
    assert pictures.count("<figure") == 1


def test_missing_files_are_counted_and_what_is_there_is_shown(page, store, settings):
    root = settings.home / "kadid"
    layouts.kadid10k(root)
    (root / "Images" / "I01_01_01.png").unlink()
    opened = open_dataset(settings, "kadid10k", str(root))
    assert opened.missing_images == ("images/I01_01_01.png",)
    assert "images/I01_01_01.png" not in [image.file for image in samples(opened, count=50)]
    shown = page("datasets", dataset="KADID-10k (kadid10k)", root=str(root))
    assert "30, 1 of them missing" in texts(shown)
    assert "I01\\_01\\_01\\.png" in shown.warning[0].value
    assert re.search(r"score [\d.]+ · Gaussian blur \d of 5", texts(shown))


def test_a_table_that_lost_an_image_is_one_plain_line_and_can_be_forgotten(
    page, store, registered, settings
):
    (settings.home / "shots/b.png").unlink()
    shown = page("datasets")
    assert "line 3\\: image 'shots/b\\.png' is missing" in shown.error[0].value
    button(shown, "Forget it now").click().run()
    assert registered_tables(settings.home) == {}


def test_a_folder_that_is_none_of_it_is_one_plain_line(page, store, settings):
    shown = page("datasets", dataset="KADID-10k (kadid10k)", root=str(settings.home))
    assert not shown.exception
    assert "kadid" in shown.error[0].value.casefold()


def test_a_check_runs_in_the_background_and_its_end_is_seen(
    page, store, registered, settings, no_jobs_left
):
    shown = button(page("datasets"), "Check every image").click().run()
    assert any("Deep check of ratings" in box.value for box in shown.markdown)
    wait_until(lambda: jobs(settings)[0].status == "done", "the check is done")
    again = page("datasets")
    assert "3 images\\: all is well" in again.success[0].value
    assert json.loads(again.code[0].value)["images"] == 3


def test_columns_are_mapped_and_seen_before_a_table_is_registered(page, store, table, settings):
    shown = page("datasets", part="Import a table")
    shown.text_input[0].set_value(str(table.file)).run()
    assert "no column &#39;image&#39;" in texts(shown)
    assert button(shown, "Register it").disabled
    for field, column in COLUMNS.items():
        shown.selectbox(key=f"column {field} of ratings.csv").select(column).run()
    assert "photo (image)" in texts(shown)
    assert "is wrong" not in texts(shown)
    button(shown, "Register it").click().run()
    assert not shown.error
    assert registered_tables(settings.home)["ratings"].columns == COLUMNS


def test_every_bad_row_is_named_with_its_line_and_nothing_is_registered(
    page, store, table, settings
):
    table.file.write_text("image,score\nshots/a.png,good\nshots/none.png,2\n<b>.png,3\n")
    shown = page("datasets", part="Import a table")
    shown.text_input[0].set_value(str(table.file)).run()
    body = texts(shown)
    assert "<b>.png" not in body
    assert all(f">{line}<" in body for line in (2, 3, 4))
    assert button(shown, "Register it").disabled
    assert registered_tables(settings.home) == {}


def test_an_upload_is_kept_and_its_size_and_folder_are_asked_for(table, settings):
    with pytest.raises(ConfigError, match="Name the folder"):
        table_preview(OfferedTable("mine.csv", ROWS.encode(), None, None))
    large = OfferedTable("mine.csv", b"x" * (MOST_MB * 1_000_000 + 1), None, settings.home)
    with pytest.raises(DataError, match="reads tables of up to 50 MB"):
        table_preview(large)
    upload = OfferedTable("../../mine.csv", ROWS.encode(), None, settings.home)
    read = table_preview(upload, columns=COLUMNS)
    assert take_table(upload, read, settings, "", replace=False) == "mine"
    kept = settings.home / "attribute_db" / "tables" / "mine.csv"
    assert kept.read_text() == ROWS
    assert len(open_dataset(settings, "mine", "").dataset.images) == 3
    with pytest.raises(ConfigError, match="is registered as 'mine'"):
        take_table(upload, read, settings, "", replace=False)
    for name in ("kadid10k", "../x", "A b"):
        with pytest.raises(ConfigError):
            take_table(upload, read, settings, name, replace=False)
    assert take_table(upload, read, settings, "mine", replace=True) == "mine"


def test_splits_and_sets_are_made_by_the_commands_themselves(
    page, store, registered, settings, no_jobs_left, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        "workbench.app.background_jobs.start_job",
        lambda _settings, _url, title, words: asked.append((title, words)),
    )
    button(page("datasets"), "Make the splits").click().run()
    folder = settings.home / "experiments" / "splits" / "ratings"
    assert asked[0][1] == ["datasets", "split", "--to", str(folder), "--near-duplicates",
                           "refuse", "--seeds", "10", "--", "ratings"]  # fmt: skip
    shown = page("datasets", part="Generate a set")
    button(shown, "Generate").click().run()
    assert asked[1][1][:3] == ["generate", "--count", "100"]
    assert asked[1][1][-3:-1] == ["--", "packaged"]
