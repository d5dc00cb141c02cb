"""Files are there whole or not at all, under names that any folder takes."""

import sys
import time
from pathlib import Path

import pytest

from tests.processes import started
from tests.waiting import wait_until
from workbench.domain.attributes import AttributeSet
from workbench.errors import ConfigError
from workbench.store.text import read_attributes, write_attributes

from ..store_examples import a_set

WRITER = """
import sys
from pathlib import Path
from workbench.domain.attributes import AttributeSet
from workbench.store.text import write_attributes
many = {f"d{n}": [f"phrase {m} of many" for m in range(100)] for n in range(10)}
while True:
    write_attributes(AttributeSet.from_phrases(many), Path(sys.argv[1]))
"""


@pytest.mark.process
def test_a_killed_export_leaves_whole_files_only(tmp_path):
    for kill in range(3):
        with started(sys.executable, "-c", WRITER, tmp_path) as writer:
            wait_until(lambda: any(tmp_path.glob("[!.]*.yaml")), "a file is written")
            time.sleep(0.05 * kill)
            writer.kill()
        read = read_attributes(tmp_path)
        assert {len(some) for some in read.phrases().values()} == {100}


def test_what_a_killed_export_left_half_written_is_not_read(tmp_path):
    write_attributes(a_set(), tmp_path)
    (tmp_path / ".partial-7-jpeg.yaml").write_text("distortion: jp")
    assert read_attributes(tmp_path).phrases() == a_set().phrases()


def test_no_name_of_a_distortion_leads_out_of_the_folder_or_meets_another(tmp_path):
    names = [
        "../up",
        "/abs",
        "a/b",
        "a\\b",
        "Jpeg",
        "jpeg",
        "JPEG",
        "é",
        "x" * 300,
        ".hidden",
        "\0",
    ]
    named = AttributeSet.from_phrases({name: ["haze"] for name in names})
    files = write_attributes(named, tmp_path / "set")
    assert {file.parent for file in files} == {tmp_path / "set"}
    assert len({file.name.casefold() for file in files}) == len(names)
    assert read_attributes(tmp_path / "set").phrases() == named.phrases()


@pytest.mark.parametrize(
    ("path", "form", "message"),
    [
        ("set.yaml", None, "YAML is a file for each distortion, so .*set.yaml must be a folder"),
        ("file", None, "YAML is a file for each distortion"),
        ("file/set.json", None, "Cannot write attributes to .*set.json: "),
    ],
)
def test_a_place_that_cannot_be_written_is_named(tmp_path, path, form, message):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=message):
        write_attributes(a_set(), tmp_path / path, form=form)


def test_a_file_that_cannot_be_read_is_named():
    with pytest.raises(ConfigError, match="Cannot read /proc/self/mem: Input/output error"):
        read_attributes(Path("/proc/self/mem"), form="csv")
