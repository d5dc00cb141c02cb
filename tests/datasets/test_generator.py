import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from PIL import Image

from tests.waiting import PATIENCE_S, wait_until
from workbench.datasets.generated import load
from workbench.datasets.generation.chunk import CHUNK
from workbench.datasets.generation.parallel import each_in_parallel
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.distortions import apply_sequence, catalogue
from workbench.errors import ConfigError, DataError, DatasetNotFoundError
from workbench.workflow.generate import generate_set

from .generating import CHOSEN, WAITS_AT, files, make, making, photographs, run_on


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("sets") / "set"
    made = make(folder, out)
    assert (made.images, made.made) == (40, 40)
    assert made.images_per_second > 0
    return out


def rows(out: Path):
    return pq.read_table(out / "manifest.parquet").to_pylist()


def pixels(file: Path):
    return np.asarray(Image.open(file))


def test_every_image_can_be_made_again_from_its_row_alone(undisturbed):
    for row in rows(undisturbed):
        clean = pixels(undisturbed / row["reference"])
        steps = list(zip(row["types"], row["levels"], strict=True))
        again = apply_sequence(clean, steps, seed=row["seed"])
        assert np.array_equal(again, pixels(undisturbed / row["image"]))
        assert row["parameters"] == [catalogue()[name].levels[level - 1] for name, level in steps]
        assert (row["height"], row["width"]) == again.shape[:2]


def test_references_are_the_photographs_and_digests_are_the_files(folder, undisturbed):
    digests = files(undisturbed)
    for row in rows(undisturbed):
        assert row["sha256"] == digests[row["image"]]
        original = folder / row["photograph"]
        assert np.array_equal(pixels(original), pixels(undisturbed / row["reference"]))
    assert len({row["photograph"] for row in rows(undisturbed)}) == 5


@pytest.mark.process
def test_two_workers_make_the_same_bytes(folder, undisturbed, tmp_path):
    make(folder, tmp_path / "set", workers=2)
    assert files(tmp_path / "set") == files(undisturbed)


def test_nothing_else_is_left_in_the_folder(undisturbed):
    names = {path.name for path in undisturbed.iterdir()}
    assert names == {
        "README.md", "images", "manifest.parquet", "photographs.json", "references", "set.json",
    }  # fmt: skip


def parts_or_end(process, out: Path, most: float) -> bool:
    return len(list(out.glob("parts/*.json"))) > most or process.poll() is not None


@pytest.mark.process
@pytest.mark.parametrize(
    ("workers", "options"),
    [
        (1, {"count": 400}),
        (2, {"count": 400}),
        (2, {"count": 400, "form": "array", "size": (96, 72)}),
    ],
)
def test_a_set_killed_again_and_again_ends_as_an_undisturbed_one(
    folder, tmp_path, workers, options
):
    whole, out, chunks = tmp_path / "whole", tmp_path / "killed", 400 / CHUNK
    make(folder, whole, **options)
    rng = np.random.default_rng(workers)
    for share in sorted(rng.uniform(0, WAITS_AT - 0.05, 3)):
        with making(folder, out, workers=workers, **options) as process:
            reached = partial(parts_or_end, process, out, share * chunks)
            wait_until(reached, "the next part is made", every_s=0.005)
            assert process.poll() is None, process.stderr.read()
            others = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            assert psutil.wait_procs(others, timeout=PATIENCE_S)[1] == []
    written = {file: file.stat().st_mtime_ns for file in out.glob("images/[0-9]*.png")}
    assert bool(written) == ("form" not in options)
    made = make(folder, out, workers=workers, **options)
    assert 0 < made.made < made.images == 400
    assert files(out) == files(whole)
    assert {file: file.stat().st_mtime_ns for file in written} == written  # none was made again


def test_what_a_power_cut_left_torn_is_made_again(folder, undisturbed, tmp_path):
    out = tmp_path / "set"
    make(folder, out, count=40)
    (out / "manifest.parquet").unlink()
    for number in (3, 17):
        file = out / f"images/{number:08d}.png"
        file.write_bytes(file.read_bytes()[:900])
    (out / "images" / ".partial-1-00000009.png").write_bytes(b"half")
    make(folder, out, count=40)
    assert files(out) == files(undisturbed)


def test_a_complete_set_is_left_as_it_is(folder, undisturbed):
    before = files(undisturbed)
    made = make(folder, undisturbed)
    assert (made.made, made.images_per_second) == (0, None)
    assert files(undisturbed) == before


@pytest.mark.process
def test_an_array_holds_what_files_would(folder, undisturbed, tmp_path):
    make(folder, tmp_path / "array", form="array", size=(96, 72), workers=2)
    images = np.load(tmp_path / "array" / "images.npy", mmap_mode="r")
    assert images.shape == (40, 72, 96, 3)
    for row, image in zip(rows(undisturbed), images, strict=True):
        assert np.array_equal(image, pixels(undisturbed / row["image"]))
    assert rows(tmp_path / "array")[7]["image"] == "images.npy#7"
    assert load(tmp_path / "array").images[7].frame == 7


@pytest.mark.parametrize(
    ("form", "quality", "suffix", "error"),
    [("webp", None, "webp", 0), ("webp", 90, "webp", 20), ("jpeg", None, "jpg", 6)],
)
def test_other_files(folder, tmp_path, form, quality, suffix, error):
    make(folder, tmp_path / "set", form=form, quality=quality, count=8)
    for row in rows(tmp_path / "set"):
        assert row["image"].endswith(f".{suffix}")
        stored = pixels(tmp_path / "set" / row["image"]).astype(float)
        clean = pixels(tmp_path / "set" / row["reference"])
        steps = list(zip(row["types"], row["levels"], strict=True))
        expected = apply_sequence(clean, steps, seed=row["seed"])
        assert np.abs(stored - expected).mean() <= error


@pytest.mark.slow
def test_weak_scores_stand_in_the_manifest(folder, tmp_path):
    make(folder, tmp_path / "set", scores=("haarpsi", "vsi"), count=12, clean_share=0.4)
    for row in rows(tmp_path / "set"):
        clean, image = (pixels(tmp_path / "set" / row[key]) for key in ("reference", "image"))
        if np.array_equal(clean, image):
            assert row["haarpsi"] == pytest.approx(1, abs=1e-5)
        else:
            assert row["haarpsi"] < 0.9999
        assert 0 <= row["vsi"] <= 1
    dataset = load(tmp_path / "set")
    assert dataset.facts.score == "HaarPSI, weak supervision"
    assert [image.quality for image in dataset.images] == [
        row["haarpsi"] for row in rows(tmp_path / "set")
    ]


def test_the_adapter_reads_it_like_any_other_dataset(undisturbed):
    dataset = load(undisturbed)
    assert len(dataset.images) == 40
    assert all(dataset.path(image).is_file() for image in dataset.images)
    for image, row in zip(dataset.images, rows(undisturbed), strict=True):
        assert [present.distortion for present in image.present] == row["types"]
        assert [present.level for present in image.present] == row["levels"]
        assert {present.levels for present in image.present} <= {5}
        assert image.group == row["photograph"]
        assert (undisturbed / image.reference).is_file()
        assert image.quality is None


def test_the_card_says_what_it_is(undisturbed):
    card = (undisturbed / "README.md").read_text()
    assert "40 images made from 5 photographs with 6 distortions" in card
    counts = {name: sum(name in row["types"] for row in rows(undisturbed)) for name in CHOSEN}
    assert all(f"| {name} | {count} |" in card for name, count in counts.items())


def bad(folder: Path, name: str) -> None:
    with Image.open(folder / "a" / "astronaut.png") as picture:
        if name == "text.png":
            (folder / name).write_text("no picture")
        elif name == "bomb.png":
            Image.new("1", (20_000, 20_000)).save(folder / name)
        elif name == "cut.jpg":
            picture.save(folder / name)
            (folder / name).write_bytes((folder / name).read_bytes()[:-400])
        elif name == "glass.png":
            picture.putalpha(100)
            picture.save(folder / name)
        else:
            picture.resize((95, 72)).save(folder / name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("text.png", r"text\.png is no readable image"),
        ("cut.jpg", r"cut\.jpg is no readable image .*truncated"),
        ("bomb.png", r"bomb\.png is too large to be safe"),
        ("glass.png", r"glass\.png .*transparent; put it on a background"),
        ("small.png", r"small\.png has 95x72 pixels, fewer than 96x72"),
    ],
)
def test_bad_photographs_are_named_before_anything_is_written(tmp_path, name, reason):
    folder = photographs(tmp_path / "in")
    bad(folder, name)
    with pytest.raises(DataError, match=f"1 of 6 photographs cannot be used.*{reason}"):
        make(folder, tmp_path / "out", size=(96, 72))
    assert not (tmp_path / "out").exists()


def wide(folder: Path, width: int) -> Path:
    folder.mkdir()
    Image.new("RGB", (width, 4)).save(folder / "wide.png")
    return folder


@pytest.mark.parametrize(
    ("form", "through", "width", "message"),
    [
        ("webp", (), 16_384, r"WEBP holds at most 16,383 pixels a side, got 16384 x 4"),
        ("jpeg", (), 65_501, r"JPEG holds at most 65,500 pixels a side, got 65501 x 4"),
        ("png", ("JPEG",), 65_501, r"JPEG holds at most 65,500 pixels a side, got 65501 x 4"),
    ],
)
def test_what_a_form_cannot_hold_is_said_before_anything_is_written(
    tmp_path, form, through, width, message
):
    folder, out = wide(tmp_path / "in", width), tmp_path / "out"
    with pytest.raises(DataError, match=rf"wide\.png: {message}"):
        make(folder, out, form=form, forms=through)
    with pytest.raises(DataError, match=message):
        make(folder, out, form=form, forms=through, size=(width, 4))
    assert not out.exists()


def test_photographs_in_a_distortions_own_codec_are_checked_too(tmp_path):
    folder, out = wide(tmp_path / "in", 65_501), tmp_path / "out"
    config = GeneratorConfig(count=1, distortions=("jpeg",), max_distortions=1)
    with pytest.raises(DataError, match="JPEG holds at most 65,500 pixels a side"):
        generate_set(str(folder), out, config, progress=run_on)
    assert not out.exists()


def test_names_in_any_unicode_make_a_set(tmp_path):
    names = ("cafe\u0301.png", os.fsdecode(b"caf\xe8.png"))
    (tmp_path / "in").mkdir()
    for number, name in enumerate(names):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / "in" / name)
    make(tmp_path / "in", tmp_path / "out", count=4, distortions=("darken",), max_distortions=1)
    assert {row["photograph"] for row in rows(tmp_path / "out")} == {
        "caf\u00e9.png", r"caf\xe8.png",
    }  # fmt: skip


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(DatasetNotFoundError, match="holds no photograph"):
        make(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_target_that_cannot_be_written_is_named(folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match=r"file is a file; name a new folder"):
        make(folder, tmp_path / "file")
    with pytest.raises(DataError, match=r"file/below cannot be written: .*Name another folder"):
        make(folder, tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_target_with_other_files_is_refused(folder, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds other files \(thesis\.tex\)"):
        make(folder, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_target_among_the_photographs_is_refused(folder):
    with pytest.raises(ConfigError, match="lies inside the folder of photographs"):
        make(folder, folder / "set")


def test_another_set_is_never_mixed_in(folder, undisturbed):
    before = files(undisturbed)
    with pytest.raises(ConfigError, match="a set with other config: seed was 1, now 2"):
        make(folder, undisturbed, seed=2)
    assert files(undisturbed) == before


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "attribute-workbench/generated/0", "other format: was .*generated/0"),
        ("libraries", {"numpy": "1.0"}, "other libraries: attribute-workbench was null, now"),
    ],
)
def test_a_set_of_another_release_is_refused(folder, tmp_path, key, value, message):
    make(folder, tmp_path / "set", count=3)
    facts = json.loads((tmp_path / "set" / "set.json").read_text())
    (tmp_path / "set" / "set.json").write_text(json.dumps(facts | {key: value}))
    with pytest.raises(ConfigError, match=message):
        make(folder, tmp_path / "set", count=3)


def test_a_manifest_of_another_release_or_broken_is_refused(undisturbed, tmp_path):
    table = pq.read_table(undisturbed / "manifest.parquet")
    pq.write_table(table.replace_schema_metadata({"format": "x/2"}), tmp_path / "manifest.parquet")
    with pytest.raises(DataError, match=r"has format 'x/2'; this release reads"):
        load(tmp_path)
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read as a manifest"):
        load(tmp_path)
    (tmp_path / "manifest.parquet").unlink()
    with pytest.raises(DatasetNotFoundError, match="give the same generate command again"):
        load(tmp_path)


def test_a_photograph_that_changed_meanwhile_stops_the_set(tmp_path):
    folder = photographs(tmp_path / "in")
    make(folder, tmp_path / "set", count=40)
    (tmp_path / "set" / "manifest.parquet").unlink()
    Image.new("RGB", (96, 72)).save(folder / "c" / "cat.png")
    with pytest.raises(DataError, match=r"cat\.png was changed or removed"):
        make(folder, tmp_path / "set", count=40)


def test_only_one_process_works_on_a_set(folder, tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(DataError, match="Another process is at work"):
        make(folder, tmp_path)


def test_a_distortion_without_operator_is_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="'comfort_noise' has no operator"):
        make(folder, tmp_path / "set", distortions=("comfort_noise",), max_distortions=1)


def kill_self(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), 9)
    return number


@pytest.mark.process
def test_a_killed_worker_is_reported():
    with pytest.raises(DataError, match=r"A worker process was killed.*fewer --workers"):
        list(each_in_parallel(kill_self, range(100), workers=2))


def fail(number: int) -> int:
    raise ConfigError(f"number {number} is wrong")


@pytest.mark.process
def test_a_workers_error_reaches_the_user_in_its_words():
    with pytest.raises(DataError, match="number 5 is wrong"):
        list(each_in_parallel(fail, [5], workers=2))


@pytest.mark.process
def test_items_are_taken_as_they_are_needed():
    taken = []

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    done = each_in_parallel(abs, items(), workers=2)
    next(done)
    assert len(taken) <= 8
    assert sorted([*done, 0])[-1] == 49
