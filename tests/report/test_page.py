import csv
import json
import re
from html.parser import HTMLParser
from io import StringIO
from zipfile import ZipFile

import pytest

from tests.evaluation.comparison_factory import make_attributes, make_run, with_result
from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.edit_effects import Attribution, EditEffect, Effect
from workbench.domain.metrics import QualityMetrics, Undefined
from workbench.domain.number_format import figure_text, interval_text, p_text, signed_text
from workbench.domain.run import BASELINE_TITLES, EMBEDDING
from workbench.errors import ConfigError
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.report import page as report_page
from workbench.report.comparison_tables import baseline_rows
from workbench.report.content import report_content
from workbench.report.wording import IDENTIFICATION_FIGURES, QUALITY_FIGURES, verdict_sentence

pytestmark = pytest.mark.slow

RUNS = (make_run(1, word="draft", noise=0.3), make_run(2, word="curated", seed=5))
LABELS = ("draft", "curated")
COMPARISON = compare_runs(ComparedRuns.of(RUNS, LABELS), resamples=500)
BASELINE = QualityMetrics(srcc=0.9, krcc=0.7, plcc=0.8, plcc_fitted=0.85, rmse=0.1)
ATTRIBUTES = {word: make_attributes(word) for word in LABELS}


def content_of(comparison, runs, labels, attributes, **options):
    return report_content(comparison, ComparedRuns.of(runs, labels), attributes, **options)


def write_report(comparison, runs, labels, attributes, path, **options):
    content = content_of(comparison, runs, labels, attributes, **options)
    return report_page.write_report(content, path)


def write_tables(comparison, runs, labels, attributes, path):
    return report_page.write_tables(content_of(comparison, runs, labels, attributes), path)


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
        self.opened.append((tag, dict(attributes)))
        if tag == "table":
            self._table = dict(attributes)["id"]
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
    cells = {name: " | ".join(texts) for name, texts in Tables(page).cells.items()}
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
    cells = {name: " | ".join(texts) for name, texts in Tables(page).cells.items()}
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
        for text in (run.version, run.result.config_hash, "seed of the split", "2.9", "12.5 s"):
            assert text in cells["settings"]
    for note in (*COMPARISON.notes, "Made in a test."):
        assert note in page


def test_attributes_stand_side_by_side_with_their_origin(page):
    cells = " | ".join(Tables(page).cells["attributes"])
    for word, origin in (("draft", "llm"), ("curated", "curated")):
        assert re.search(rf"{word} jpeg trace 0\s+{origin}", cells)


def test_attributes_that_both_have_are_not_marked(tmp_path):
    same = {word: make_attributes("draft") for word in LABELS}
    marked = '<span class="own">≠ draft'
    assert marked not in write(tmp_path / "r.html", attributes=same).read_text()
    assert marked in write(tmp_path / "r.html").read_text()


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
    alone = compare_runs(ComparedRuns.of(RUNS[:1], LABELS[:1]), resamples=500)
    path = tmp_path / "r.html"
    write_report(alone, RUNS[:1], LABELS[:1], ATTRIBUTES, path, title="Alone", notes=())
    page = path.read_text("utf-8")
    assert "nothing to compare it with" in page
    assert 'id="figure-critical-difference"' not in page


VOID = {"meta", "br", "hr", "img", "input", "link", "path", "use"}


class Balance(HTMLParser):
    """Checks that every element is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def test_every_element_is_closed(page):
    assert Balance(page).open == []


def test_every_figure_has_words_terms_and_its_numbers(page):
    figures = re.findall(r"<figure .*?</figure>", page, re.S)
    assert len(figures) == 10  # intervals, 2 scatters, bars, ranks, bars, dose, calibration, 2 maps
    for figure in figures:
        assert re.search(r'<svg [^>]*role="img" aria-labelledby="\S+ \S+"', figure)
        assert re.search(r"<desc [^>]*>[^<]*\d", figure)
        caption = re.search(r"<figcaption>(.*?)</figcaption>", figure, re.S).group(1)
        for text in ("Protocol ", "seeds run 0", "252 images of 12 photographs", "encoder offline",
                     "weights random", "torch 2.9", "finished 2026-01-01"):  # fmt: skip
            assert text in caption
        assert any(run.version[:10] in caption for run in RUNS)
        assert re.search(r"<details><summary>.*<table id=.*</details>", figure, re.S)


def test_baselines_and_the_price_stand_beside_the_versions(tmp_path):
    runs = [with_result(run, baselines={EMBEDDING: BASELINE}) for run in RUNS]
    path = write_report(COMPARISON, runs, LABELS, ATTRIBUTES, tmp_path / "r.json")
    (draft, curated, ridge) = json.loads(path.read_text())["tables"]["quality"]["rows"]
    assert (ridge["label"], ridge["kind"]) == (BASELINE_TITLES[EMBEDDING], "baseline")
    assert (ridge["srcc"], ridge["price"]) == (0.9, None)
    assert draft["price"] == pytest.approx(0.9 - COMPARISON.rows[0].srcc)
    assert curated["kind"] == "version"


def test_baselines_that_differ_are_told_apart():
    other = BASELINE.model_copy(update={"srcc": 0.8})
    results = [
        with_result(run, baselines={EMBEDDING: found}).result
        for run, found in zip(RUNS, (BASELINE, other), strict=True)
    ]
    titles = [title for title, _ in baseline_rows(results, LABELS)]
    assert titles == [f"{BASELINE_TITLES[EMBEDDING]} (run of {label})" for label in LABELS]


def test_json_holds_the_exact_numbers(tmp_path):
    path = write_report(COMPARISON, RUNS, LABELS, ATTRIBUTES, tmp_path / "r.json")
    told = json.loads(path.read_text("utf-8"))
    assert Comparison.model_validate(told["comparison"]) == COMPARISON
    for row, found in zip(told["tables"]["quality"]["rows"], COMPARISON.rows, strict=True):
        assert row["srcc_ci"] == list(found.srcc_ci)
        assert [row[name] for name in QUALITY_FIGURES] == [
            getattr(found, name) for name in QUALITY_FIGURES
        ]
    last = told["tables"]["identification"]["rows"][-1]
    assert last["strength_srcc"] == COMPARISON.all_clean.strength_srcc.model_dump()
    (pair,) = told["tables"]["pairs"]["rows"]
    assert pair["ci"] == list(COMPARISON.pairs[0].ci)
    assert pair["smallest_detectable"] == COMPARISON.pairs[0].smallest_detectable
    scatter = told["figures"]["scatter-1"]["table"]["rows"]
    assert tuple(row["predicted"] for row in scatter) == RUNS[0].result.predictions.predicted


@pytest.mark.parametrize("name", ["tables", "tables.zip"])
def test_csv_holds_every_table_with_the_exact_numbers(tmp_path, name):
    path = write_tables(COMPARISON, RUNS, LABELS, ATTRIBUTES, tmp_path / name)
    if name.endswith(".zip"):
        with ZipFile(path) as archive:
            texts = {one: archive.read(one).decode() for one in archive.namelist()}
    else:
        texts = {file.name: file.read_text("utf-8") for file in path.iterdir()}
    assert {"pairs.csv", "identification.csv", "attributes.csv", "settings.csv"} < set(texts)
    assert {"figure-confusion-1.csv", "figure-scatter-2.csv"} < set(texts)
    quality = list(csv.DictReader(StringIO(texts["quality.csv"])))
    for row, found in zip(quality, COMPARISON.rows, strict=True):
        assert (float(row["srcc_ci_low"]), float(row["srcc_ci_high"])) == found.srcc_ci
        assert float(row["krcc"]) == found.krcc
    points = list(csv.DictReader(StringIO(texts["figure-dose.csv"])))
    kept = [p.mean for run in RUNS for c in run.result.strength_tables.dose for p in c.points]
    assert [float(row["mean"]) for row in points] == kept


def test_no_label_of_a_report_is_a_formula(tmp_path):
    named = compare_runs(ComparedRuns.of(RUNS, ["=1+1", "b"]), resamples=500)
    sets = {"=1+1": ATTRIBUTES["draft"], "b": ATTRIBUTES["curated"]}
    folder = write_tables(named, RUNS, ["=1+1", "b"], sets, tmp_path / "t")
    texts = [file.read_text("utf-8") for file in folder.iterdir()]
    assert any("'=1+1" in text for text in texts)
    cells = [cell for text in texts for row in csv.reader(StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]


def test_hostile_labels_are_text_everywhere(tmp_path):
    bad = '"><script>alert(1)</script>&amp;'
    named = compare_runs(ComparedRuns.of(RUNS, [bad, "b"]), resamples=500)
    sets = {bad: ATTRIBUTES["draft"], "b": ATTRIBUTES["curated"]}
    page = write_report(named, RUNS, [bad, "b"], sets, tmp_path / "r.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert Balance(page).open == []


def test_a_run_from_before_strengths_were_kept_says_so(tmp_path):
    older = [with_result(RUNS[0], strength_tables=None), RUNS[1]]
    page = write_report(COMPARISON, older, LABELS, ATTRIBUTES, tmp_path / "r.html").read_text()
    assert page.count("Made before strengths were kept: run 1 (draft).") == 3
    assert 'id="figure-confusion-2"' in page
    none = [with_result(run, strength_tables=None) for run in RUNS]
    page = write_report(COMPARISON, none, LABELS, ATTRIBUTES, tmp_path / "n.html").read_text()
    assert "run 1 (draft), run 2 (curated). Run the version again with --again" in page
    assert 'id="dose-title"' not in page


def test_an_attribution_is_shown_where_it_is_given(tmp_path):
    effect = Effect(delta_srcc=0.02, ci=(0.01, 0.03), p_holm=0.01, verdict="helps")
    edit = EditEffect(
        distortion="jpeg", kind="added", before=None, after="<b> $rings$", effect=effect
    )
    flat = Undefined(undefined="flat")
    none = Effect(delta_srcc=flat, ci=None, p_holm=flat, verdict="not distinguishable")
    attribution = Attribution(
        a="a", b="b", a_label="draft", b_label="curated", refit="ridge", images=252,
        photographs=12, resamples=500, run_srcc=(0.1, 0.2), srcc=(0.1, 0.2), edits=(edit,),
        by_distortion=(), together=effect, retuned=none, attributes=(), permutations=0,
        notes=("What is approximate.",),
    )  # fmt: skip
    path = write_report(
        COMPARISON, RUNS, LABELS, ATTRIBUTES, tmp_path / "r.json", attributions=[attribution]
    )
    figure = json.loads(path.read_text())["figures"]["edits-1"]
    assert figure["about"] == "+ <b> $rings$ (jpeg): +0.020 (+0.010 to +0.030), helps."
    assert [row["kind"] for row in figure["table"]["rows"]] == ["added", "together", "together"]
    assert figure["table"]["rows"][-1]["delta_srcc"] == {"undefined": "flat"}
