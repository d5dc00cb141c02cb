import json

import pytest

from tests.databases import fresh_database
from workbench.domain.attributes import AttributeSet
from workbench.settings import read_settings
from workbench.store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture
def linted(workbench, tmp_path, monkeypatch):
    """Return a function that lints a draft of four attributes with the offline encoder."""
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "db.sqlite"))
    draft = {"fast_fading": ["wavy lines", "wavy line"], "jpeg": ["jpeg look", "awful sky"]}
    with open_store(read_settings().database_url) as store:
        attributes = AttributeSet.from_phrases(draft)
        store.draft.replace(attributes, author="a", distortions=attributes.distortions)
    return lambda *arguments: workbench(
        "attributes", "lint", "--no-images", "--encoder", "offline", *arguments
    )


def test_findings_are_no_failure_and_the_worst_comes_first(linted):
    status, out, err = linted()
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[1].startswith("fault")
    assert "names_distortion" in out
    assert lines[-1].endswith("findings on 4 attributes")


def test_strict_exits_1_on_faults_but_not_on_doubts(linted):
    assert linted("--strict")[0] == 1
    assert linted("--strict", "--rule", "not_visual")[0] == 0


def test_json_is_one_document_of_findings(linted):
    status, out, _ = linted("--json", "--distortion", "fast_fading")
    (finding,) = json.loads(out)
    assert status == 0
    assert (finding["rule"], finding["others"]) == ("duplicate", ["fast_fading: wavy lines"])


def test_rejected_attributes_are_left_out(linted, workbench):
    with open_store(read_settings().database_url) as store:
        (row,) = (row for row in store.draft.rows() if row.attribute.phrase == "awful sky")
        store.draft.set_status(row.id, "rejected", based_on=row.row_version, author="a")
    assert linted("--rule", "not_visual")[1] == "0 findings on 3 attributes\n"


def test_a_version_can_be_linted(linted):
    with open_store(read_settings().database_url) as store:
        store.versions.freeze(
            AttributeSet.from_phrases({"jpeg": ["jpeg look"]}), message="m", author="a", alias="one"
        )
    assert linted("one", "--rule", "names_distortion")[1].endswith("1 finding on 1 attribute\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "deed"], "Unknown rule 'deed'. Did you mean 'dead'?"),
        (["--distortion", "jpg"], "Unknown distortion 'jpg'. Did you mean 'jpeg'?"),
        (["--polarity", "note"], "Unknown polarity 'note'. Did you mean 'not'?"),
        (["nowhere"], "nowhere"),
    ],
)
def test_a_wrong_name_is_refused_with_the_one_that_was_meant(linted, arguments, message):
    status, out, err = linted(*arguments)
    assert (status, out) == (1, "")
    assert message in err


def test_images_are_made_once_with_progress_on_stderr(linted, workbench, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    arguments = ("attributes", "lint", "--encoder", "offline", "--rule", "dead", "--json")
    status, out, err = workbench(*arguments)
    assert status == 0
    assert isinstance(json.loads(out), list)
    assert err.startswith("Photographs are distorted and encoded once")
    assert workbench(*arguments) == (0, out, "")
