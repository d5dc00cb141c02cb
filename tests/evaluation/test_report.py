import json
import re
from html.parser import HTMLParser

import pytest

from workbench.domain.comparison import Comparison
from workbench.errors import ConfigError
from workbench.evaluation.comparison import compare_runs, labels_of, verdict_sentence
from workbench.evaluation.report import write_report
from workbench.evaluation.wording import (
    IDENTIFICATION_FIGURES,
    QUALITY_FIGURES,
    figure_text,
    interval_text,
    p_text,
    signed_text,
)

from .comparison_factory import make_attributes, make_run

RUNS = (make_run(1, word="draft", noise=0.3), make_run(2, word="curated", seed=5))
LABELS = ("draft", "curated")
COMPARISON = compare_runs(RUNS, LABELS, resamples=500)
ATTRIBUTES = {word: make_attributes(word) for word in LABELS}


def write(path, **changes):
    options = {"title": "Draft and curated", "notes": ["Made in a test."]} | changes
    attributes = options.pop("attributes", ATTRIBUTES)
    return write_report(COMPARISON, RUNS, LABELS, attributes, path, **options)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    return write(tmp_path_factory.mktemp("report") / "deep" / "report.html").read_text("utf-8")


class Tables(HTMLParser):
    """The text of every table cell, by the table's id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cells, self._table, self._inside, self.opened = {}, "", False, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.opened.append((tag, found))
        if tag == "table":
            self._table = found["id"]
        if tag in ("td", "th"):
            self.cells.setdefault(self._table, []).append("")
            self._inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.cells[self._table][-1] += f"{data.strip()} "


def test_the_verdict_comes_first(page):
    (pair,) = COMPARISON.pairs
    sentence = verdict_sentence(pair, labels_of(COMPARISON)).replace("<", "&lt;")
    assert sentence in page
    assert page.index(sentence) < page.index("<h2")


def test_tables_hold_every_number_of_the_comparison(page):
    cells = {name: " | ".join(some) for name, some in Tables(page).cells.items()}
    for row in COMPARISON.rows:
        for name in QUALITY_FIGURES:
            assert figure_text(getattr(row, name)) in cells["quality"]
        assert interval_text(row.srcc_ci) in cells["quality"]
        assert interval_text(row.plcc_ci) in cells["quality"]
    for figures in (*(row.identification for row in COMPARISON.rows), COMPARISON.all_clean):
        for name in IDENTIFICATION_FIGURES:
            assert figure_text(getattr(figures, name)) in cells["identification"]
    (pair,) = COMPARISON.pairs
    for text in (
        signed_text(pair.delta_srcc),
        interval_text(pair.ci, signed=True),
        p_text(pair.p),
        p_text(pair.p_holm),
        figure_text(pair.smallest_detectable),
        pair.verdict,
    ):
        assert text in cells["pairs"]


def test_the_exact_numbers_can_be_read_back(page):
    data = re.search(r'<script type="application/json" id="comparison">(.*?)</script>', page, re.S)
    assert Comparison.model_validate(json.loads(data.group(1))) == COMPARISON


def test_terms_are_stated(page):
    cells = {name: " | ".join(some) for name, some in Tables(page).cells.items()}
    protocol = COMPARISON.protocol
    for text in (
        protocol.dataset,
        protocol.data_hash,
        protocol.target,
        protocol.split,
        protocol.crop,
    ):
        assert text in cells["protocol"]
    assert "252" in cells["protocol"]
    assert "12" in cells["protocol"]
    assert COMPARISON.encoder.note in cells["encoder"]
    for run in RUNS:
        for text in (run.version, run.result.config_hash, "seed of the split", "2.9.0", "12.5 s"):
            assert text in cells["settings"]
    for note in (*COMPARISON.notes, "Made in a test."):
        assert note in page


def test_attributes_stand_side_by_side_with_their_origin(page):
    cells = " | ".join(Tables(page).cells["attributes"])
    for word, origin in (("draft", "llm"), ("curated", "curated")):
        assert re.search(rf"{word} jpeg trace 0\s+{origin}", cells)


def test_attributes_that_both_have_are_not_marked(tmp_path):
    same = {word: make_attributes("draft") for word in LABELS}
    assert '<span class="own">draft' not in write(tmp_path / "r.html", attributes=same).read_text()
    assert '<span class="own">draft' in write(tmp_path / "r.html").read_text()


def test_attributes_may_be_given_by_version(tmp_path):
    by_version = {
        run.version: make_attributes(word) for run, word in zip(RUNS, LABELS, strict=True)
    }
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    assert write(first, attributes=by_version).read_bytes() == write(second).read_bytes()


def test_nothing_is_loaded_from_anywhere(page):
    loading = {"link", "img", "iframe", "object", "embed", "audio", "video", "base"}
    for tag, attributes in Tables(page).opened:
        assert tag not in loading
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith("#")
        assert tag != "script" or attributes == {"type": "application/json", "id": "comparison"}
    assert "@import" not in page
    urls = set(re.findall(r"https?://[^\s\"'<]+", page))
    assert urls <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names only


def test_every_id_stands_once(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_same_input_same_bytes(tmp_path):
    assert write(tmp_path / "a.html").read_bytes() == write(tmp_path / "b.html").read_bytes()


def test_text_from_users_is_never_markup(tmp_path):
    text = write(tmp_path / "r.html", title="<script>alert(1)</script>", notes=["<b>"]).read_text()
    assert "<script>alert" not in text
    assert "&lt;b&gt;" in text


def test_an_old_report_survives_a_failed_one(tmp_path):
    path = write(tmp_path / "r.html")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"The report needs the attributes of curated \("):
        write(path, attributes={"draft": make_attributes("draft")})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"The report cannot be written to .*r\.html: "):
        write(tmp_path / "file" / "r.html")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="Free some space or name another path"):
        write(tmp_path / "folder")
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "file",
        "folder",
    }  # no half-written file remains


def test_runs_of_another_comparison_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="in the order of its rows"):
        write_report(
            COMPARISON, RUNS[::-1], LABELS[::-1], ATTRIBUTES, tmp_path / "r.html", title=""
        )


def test_a_single_version_has_a_report_too(tmp_path):
    alone = compare_runs(RUNS[:1], LABELS[:1], resamples=500)
    path = tmp_path / "r.html"
    write_report(alone, RUNS[:1], LABELS[:1], ATTRIBUTES, path, title="Alone", notes=())
    assert "nothing to compare it with" in path.read_text("utf-8")
