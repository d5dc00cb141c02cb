"""The page Compare against what the pipeline itself says of the same runs."""

import re
from html.parser import HTMLParser

import pytest

from tests.cache import own_cache
from tests.factories import make_protocol
from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import labels_of
from workbench.domain.run import Transfer
from workbench.report.wording import verdict_lines
from workbench.workflow.compare import comparable_runs, compare_runs, reopen_comparison

from .full_database import CONFIG, DISTORTIONS, a_result, claimed, finish

pytestmark = pytest.mark.slow


def as_opened(store):
    """What the page must show: the answer as it was opened, computed once more."""
    return reopen_comparison(store, comparable_runs(store, ["draft", "curated"]))


def press(shown, label="Compare"):
    next(button for button in shown.button if button.label == label).click().run()
    assert not shown.exception
    return shown


def section(shown, name):
    shown.pills(key="section").set_value(name).run()
    assert not shown.exception
    return shown


@pytest.fixture
def opened(page, full_store):
    return page("compare")


@pytest.fixture
def compared(opened):
    return press(opened)


def told(shown):
    return " ".join(plain(one) for one in (*shown.markdown, *shown.caption, *shown.info))


def third_version(store, config=CONFIG):
    words = AttributeSet.from_phrases({d: [f"new words {d}"] for d in DISTORTIONS})
    version = store.versions.freeze(words, message="Third", author="eva", alias="third")
    finish(store, version, noise=0.3, config=config)
    return version


@pytest.fixture(autouse=True)
def _own_cache(settings, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", own_cache(settings.home))


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


def test_opening_the_page_computes_and_counts_nothing_and_says_what_it_would_cost(
    opened, full_store
):
    assert full_store.access_log.list() == []
    assert not opened.header
    words = told(opened)
    assert "draft (run 1), curated (run 2)" in words
    assert "demo: 3 distortions" in words
    assert "192 images of 12 photographs" in words
    assert "2 test-set accesses, one for each run" in words
    assert "has not been accessed yet" in words


def test_pressing_counts_once_and_coming_again_counts_nothing(compared, page, full_store):
    looks = full_store.access_log.list()
    assert [(look.run, look.author) for look in looks] == [(1, "eva"), (2, "eva")]
    again = page("compare")
    assert again.header[0].value == compared.header[0].value
    assert "when the test set had been accessed 2 times" in told(again)
    assert full_store.access_log.list() == looks


def test_an_answer_that_a_command_opened_is_shown_with_its_count(page, full_store):
    runs = comparable_runs(full_store, ["draft", "curated"])
    compare_runs(full_store, runs, purpose="compare draft, curated", author="ann")
    compare_runs(full_store, runs, purpose="compare draft, curated", author="bob")
    shown = page("compare")
    assert "Opened by bob" in told(shown)
    assert "accessed 4 times" in told(shown)
    assert len(full_store.access_log.list()) == 4


def test_an_answer_stays_as_it_was_while_others_look_and_says_so(compared, page, full_store):
    third_version(full_store)
    runs = comparable_runs(full_store, ["third", "curated"])
    compare_runs(full_store, runs, purpose="compare third, curated", author="ann")
    draft, curated = (full_store.versions.get(name).hash for name in ("draft", "curated"))
    shown = page("compare")
    shown.multiselect(key="compare-versions").set_value([draft, curated]).run()
    assert shown.header[0].value == compared.header[0].value
    assert "accessed 2 times" in told(shown)
    assert "By now: 4 accesses" in told(shown)
    press(shown, "Compare again")
    assert "accessed 6 times" in told(shown)
    assert len(full_store.access_log.list()) == 6


def test_a_new_run_of_a_version_is_a_new_question(compared, page, full_store):
    run = finish(full_store, full_store.versions.get("draft"), noise=0.3)
    shown = page("compare")
    assert f"draft (run {run.id})" in told(shown)
    assert not shown.header


def test_nothing_is_chosen_all_at_once(compared):
    for key, most in (("compare-versions", 8), ("compare-quoted", 0)):
        proto = compared.multiselect(key=key).proto
        assert proto.select_all == 0
        assert proto.max_selections == most


def test_a_link_names_versions_by_their_hashes_and_says_what_it_cannot_show(page, full_store, link):
    third = third_version(full_store)
    curated = full_store.versions.get("curated")
    shown = link(versions=[third.hash[:12], curated.hash[:12]], experiment="0123456789ab")
    chosen = shown.multiselect(key="compare-versions").value
    assert sorted(chosen) == sorted([third.hash, curated.hash])
    shown = link(versions=["<script>alert(1)</script>", curated.hash[:12]])
    assert "names the version '<script>alert(1)" in plain(shown.warning[0])
    assert shown.multiselect(key="compare-versions").value == [curated.hash]


def test_runs_of_one_version_can_be_compared(link, full_store):
    run = finish(full_store, full_store.versions.get("draft"), noise=0.3)
    shown = press(link(by="Runs", runs=["1", str(run.id)]))
    assert plain(shown.header[0]).startswith(f"draft, run {run.id} against draft, run 1: ")
    section(shown, "Edits")
    assert "no edit between them" in shown.info[0].value


def test_runs_of_different_protocols_are_refused_before_anything_is_counted(link, full_store):
    odd = full_store.versions.get("draft")
    run = claimed(full_store, odd)
    result = a_result(odd, CONFIG, noise=0.2)
    terms = result.protocol.model_copy(update={"data_hash": "e" * 64, "split": "another"})
    full_store.runs.finish(run.id, result.model_copy(update={"protocol": terms}))
    shown = link(by="Runs", runs=["1", str(run.id)])
    assert "stand under different protocols" in plain(shown.error[0])
    assert "split is" in plain(shown.error[0])
    assert full_store.access_log.list() == []


def test_versions_are_compared_over_all_seeds_once_that_is_asked_for(compared, page, full_store):
    section(compared, "Over seeds")
    assert "no other training seed in common" in told(compared)
    config = CONFIG.model_copy(update={"seed": CONFIG.seed + 1})
    for name, noise in (("draft", 0.2), ("curated", 0.1)):
        finish(full_store, full_store.versions.get(name), noise=noise, config=config)
    shown = section(press(page("compare")), "Over seeds")
    assert "This is 4 further test-set accesses" in told(shown)
    before = len(full_store.access_log.list())
    press(shown, "Compare over all seeds")
    assert len(full_store.access_log.list()) == before + 4
    again = section(page("compare"), "Over seeds")
    assert len(full_store.access_log.list()) == before + 4
    (headings, *rows) = table(again, "Versions over training seeds")
    assert "SRCC over 2 training seeds (1, 0)" in headings
    assert [row[0] for row in rows] == ["draft", "curated"]
    assert "With other photographs and other seeds: " in told(again)


def test_other_data_that_the_runs_were_tried_on_is_a_test_set_of_its_own(link, page, full_store):
    numbers = []
    for name in ("draft", "curated"):
        version = full_store.versions.get(name)
        result = a_result(version, CONFIG, noise=0.1, photographs=6)
        there = Transfer(
            protocol=make_protocol(
                dataset="other <b>photographs</b>", data_hash="f" * 64, distortions=DISTORTIONS
            ),
            identification=result.identification,
            all_clean=result.all_clean,
            frozen=result.quality,
            zero_shot=result.quality,
            predictions=result.predictions,
        )
        run = claimed(full_store, version)
        own = a_result(version, CONFIG, noise=0.2)
        full_store.runs.finish(run.id, own.model_copy(update={"transfers": (there,)}))
        numbers.append(str(run.id))
    shown = link(by="Runs", runs=numbers)
    images = shown.selectbox(key="compare-images")
    assert "other data, other <b>photographs</b>" in images.options[1]
    press(shown)
    section(shown, "Other data")
    before = len(full_store.access_log.list())
    press(shown, "Show other data")
    assert len(full_store.access_log.list()) == before + 4
    assert any("Frozen features" in one.value for one in shown.subheader)
    shown.selectbox(key="compare-images").select_index(1).run()
    press(shown)
    assert "no verdict on naming" in plain(shown.header[0])


def test_the_verdict_comes_first_and_is_the_pipelines(compared, full_store):
    expected = as_opened(full_store)
    headline, *lines = verdict_lines(expected.pairs[0], labels_of(expected))
    assert plain(compared.header[0]) == headline
    assert plain(compared.markdown[0]) == "  \n".join(lines)
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
    section(compared, "Naming")
    baseline = full_store.runs.get(1).result.all_clean
    last = table(compared, "Identification of distortions")[-1]
    assert last[0] == "always “clean”"
    assert last[1] == f"{baseline.accuracy:.3f}"


def test_two_versions_are_set_side_by_side_word_by_word(page, full_store):
    words = {d: [f"new words {d}"] for d in DISTORTIONS}
    words["jpeg"] = ["visible grid of tiny square blocks", "muddy colours"]
    version = full_store.versions.freeze(
        AttributeSet.from_phrases(words), message="<b>Third</b>", author="eva", alias="third"
    )
    finish(full_store, version, noise=0.3)
    shown = page("compare")
    chosen = [full_store.versions.get(name).hash for name in ("draft", "third")]
    shown.multiselect(key="compare-versions").set_value(chosen).run()
    section(press(shown), "Attributes")
    rows = table(shown, "1 reworded, 3 removed, 2 added, 1 the same")
    assert [
        "JPEG",
        "visible grid of small square blocks",
        "visible grid of tiny square blocks",
    ] in rows
    html = next(one.proto.body for one in shown.get("html") if "reworded" in one.proto.body)
    assert "<del>small</del>" in html
    assert "<ins>tiny</ins>" in html
    assert not any("muddy colours" in row for row in rows)
    shown.toggle(key="only-differences").set_value(False).run()
    assert ["JPEG", "muddy colours", "muddy colours"] in table(shown, "1 reworded")


def test_a_version_called_as_a_term_of_the_glossary_is_not_explained_as_one(compared):
    section(compared, "Attributes")
    html = next(one.proto.body for one in compared.get("html") if "the same" in one.proto.body)
    assert ">draft</th>" in html


def test_protocol_encoder_and_every_access_are_there(compared):
    section(compared, "Terms and accesses")
    text = " ".join(element.proto.body for element in compared.get("html"))
    assert "starts from random weights" in text
    assert "by photograph, 5 folds" in text
    assert "offline" in text
    accesses = table(compared, "2 accesses")
    assert [row[1:] for row in accesses[1:]] == [
        ["eva", f"run {run}", "compare draft, curated in the browser"] for run in (2, 1)
    ]


def test_every_section_shows_with_two_and_with_three_versions(page, full_store):
    third_version(full_store)
    for count in (2, 3):
        shown = page("compare")
        chosen = [version.hash for version in full_store.versions.list()][:count]
        shown.multiselect(key="compare-versions").set_value(chosen).run()
        press(shown)
        for name in shown.pills(key="section").options:
            section(shown, name)
            assert not shown.error
            assert shown.header[1].value == name


def test_what_cannot_be_attributed_is_one_line_and_no_access(compared, full_store):
    section(compared, "Edits")
    before = full_store.access_log.list()
    press(compared, "Attribute the edits")
    assert len(compared.error) == 1
    assert full_store.access_log.list() == before


def test_the_report_opens_in_place(compared):
    section(compared, "Report and files")
    compared.toggle(key="report").set_value(True).run()
    assert not compared.exception
    (frame,) = compared.get("iframe")
    assert "better at naming and in quality" in frame.proto.srcdoc


def test_three_versions_show_every_pair(page, full_store):
    third = third_version(full_store)
    shown = page("compare")
    chosen = [version.hash for version in full_store.versions.list()]
    assert chosen[0] == third.hash
    shown.multiselect(key="compare-versions").set_value(chosen).run()
    pairs = [row[0] for row in table(press(shown), "Verdicts")[1:]]
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
    assert "No experiment has been run to its end for all of draft, third" in plain(shown.error[0])


def test_one_version_is_not_enough(opened):
    opened.multiselect(key="compare-versions").set_value([]).run()
    assert "Choose two versions or more" in opened.info[0].value


def test_of_several_experiments_the_newest_is_first_and_any_can_be_chosen(page, full_store):
    for name in ("draft", "curated"):
        seed = CONFIG.model_copy(update={"seed": 7})
        finish(full_store, full_store.versions.get(name), noise=0.3, config=seed)
    shown = page("compare")
    experiments = shown.selectbox(key="compare-experiment")
    assert [option[-6:] for option in experiments.options] == ["seed 7", "seed 0"]
    experiments.select_index(1).run()
    assert "draft (run 1), curated (run 2)" in told(shown)


def test_published_figures_stand_beside_with_why_they_cannot_be_compared(compared, full_store):
    accesses = len(full_store.access_log.list())
    compared.multiselect(key="compare-quoted").set_value(
        ["exiqa-table-2:KADID-10k", "exiqa-table-3:KADID-10k"]
    ).run()
    quality = table(compared, "Quality against")
    label = "ExIQA on KADID-10k, quoted"
    assert [row[2:4] for row in quality if row[0] == label] == [["0.939", "0.943"]]
    assert "Not tested against: other data set (KADID-10k)" in told(compared)
    assert len(full_store.access_log.list()) == accesses  # quoting reads no test set
