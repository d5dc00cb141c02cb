"""The page Compare against what the pipeline itself says of the same runs."""

import re
from html.parser import HTMLParser

import pytest

from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import labels_of
from workbench.report.wording import verdict_lines
from workbench.workflow.compare import comparable_runs, compare_runs

from .full_database import CONFIG, DISTORTIONS, finish

pytestmark = pytest.mark.slow


def of_both(store):
    return compare_runs(
        store, comparable_runs(store, ["draft", "curated"]), purpose="test", author="ann"
    )


@pytest.fixture
def compared(page, full_store):
    return page("compare")


def third_version(store, config=CONFIG):
    words = AttributeSet.from_phrases({d: [f"new words {d}"] for d in DISTORTIONS})
    version = store.versions.freeze(words, message="Third", author="eva", alias="third")
    finish(store, version, noise=0.3, config=config)
    return version


class Cells(HTMLParser):
    """The rows of a table as lists of text."""

    def __init__(self, document):
        super().__init__()
        self.rows = []
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def table(shown, caption):
    return next(
        Cells(element.proto.body).rows
        for element in shown.get("html")
        if re.search(f"<caption>[^<]*{caption}", element.proto.body)
    )


def plain(element):
    return element.value.replace("\\", "")


def test_the_verdict_comes_first_and_is_the_pipelines(compared, full_store):
    expected = of_both(full_store)
    headline, *lines = verdict_lines(expected.pairs[0], labels_of(expected))
    assert plain(compared.markdown[0]) == f"#### {headline}"
    assert plain(compared.markdown[1]) == "  \n".join(lines)
    assert lines[1].startswith("Predicts quality: curated is better than draft")


def test_the_figures_are_those_of_the_runs(compared, full_store):
    rows = table(compared, "Quality against HaarPSI")
    for row, run in zip(rows[1:], (1, 2), strict=True):
        quality = full_store.runs.get(run).result.quality
        assert row[2].startswith(f"{quality.srcc:.3f}")
        assert row[3].startswith(f"{quality.plcc:.3f}")
        assert " to " in row[2]
        assert row[7] == str(run)


def test_the_target_is_named_as_weak_supervision_and_never_as_mos(compared):
    text = " ".join(element.proto.body for element in compared.get("html"))
    assert "full-reference weak supervision, no MOS" in text
    assert text.count("MOS") == text.count("no MOS")


def test_always_clean_is_a_row_of_the_identification_table(compared, full_store):
    baseline = full_store.runs.get(1).result.all_clean
    last = table(compared, "Identification of distortions")[-1]
    assert last[0] == "always “clean”"
    assert last[1] == f"{baseline.accuracy:.3f}"


def test_attributes_that_not_both_have_are_marked(compared):
    rows = {row[0]: row for row in table(compared, "The distortions that were tested")}
    assert "≠ muddy colours" in rows["JPEG"][1]
    assert rows["JPEG"][2].startswith("visible grid of small square blocks")


def test_protocol_and_encoder_with_its_note_are_there(compared):
    terms = next(box for box in compared.expander if box.label == "Protocol and encoder")
    assert "starts from random weights" in plain(terms.markdown[0])
    text = " ".join(element.proto.body for element in terms.get("html"))
    assert "by photograph, 5 folds" in text
    assert "offline" in text


def test_three_versions_show_every_pair(page, full_store):
    third = third_version(full_store)
    shown = page("compare")
    chosen = [version.hash for version in full_store.versions.list()]
    assert chosen[0] == third.hash
    shown.multiselect(key="compare-versions").set_value(chosen).run()
    pairs = [row[0] for row in table(shown, "Differences between versions")[1:]]
    assert pairs == ["curated against draft", "third against draft", "third against curated"]


def test_the_newest_two_of_one_configuration_are_chosen_at_first(page, full_store):
    third_version(full_store, CONFIG.model_copy(update={"seed": 7}))
    chosen = page("compare").multiselect(key="compare-versions").value
    assert chosen == [full_store.versions.get(name).hash for name in ("curated", "draft")]


def test_versions_without_a_common_configuration_are_refused_in_one_line(page, full_store):
    third = third_version(full_store, CONFIG.model_copy(update={"seed": 7}))
    draft = full_store.versions.get("draft")
    shown = page("compare")
    shown.multiselect(key="compare-versions").set_value([third.hash, draft.hash]).run()
    assert not shown.exception
    assert "No configuration has been run to its end for all of" in plain(shown.error[0])


def test_one_version_is_not_enough(compared, full_store):
    compared.multiselect(key="compare-versions").set_value([]).run()
    assert "Choose two versions or more" in compared.info[0].value


def test_published_figures_stand_beside_with_why_they_cannot_be_compared(compared, full_store):
    test_hash = of_both(full_store).test_hash
    accesses = len(full_store.access_log.list(test_hash))
    compared.multiselect(key="compare-quoted").set_value(
        ["exiqa-table-2:KADID-10k", "exiqa-table-3:KADID-10k"]
    ).run()
    quality = table(compared, "Quality against")
    label = "ExIQA on KADID-10k, quoted"
    assert [row[2:4] for row in quality if row[0] == label] == [["0.939", "0.943"]]
    strengths = table(compared, "Identification of distortions")
    assert [(row[1], row[-1]) for row in strengths if row[0] == label] == [("0.977", "0.035")]
    told = [plain(caption) for caption in compared.caption]
    assert any("Not tested against: other data set (KADID-10k)" in one for one in told)
    assert len(full_store.access_log.list(test_hash)) == accesses  # quoting reads no test set
