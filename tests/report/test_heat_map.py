"""The drawing of a matrix of transfers, its page, and the command that makes them."""

import json
import re
from xml.etree import ElementTree

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from tests.app.full_database import fill
from tests.evaluation.comparison_factory import make_run, with_result
from tests.evaluation.matrix_runs import paper_runs, tried_on
from workbench.cli.compare import matrix, matrix_of
from workbench.domain.metrics import Undefined
from workbench.errors import ConfigError
from workbench.evaluation.cross_dataset import transfer_matrix
from workbench.report.figures.heat_map import heat_map_figure
from workbench.report.page import matrix_html, write_matrix
from workbench.store import open_store

pytestmark = pytest.mark.slow

RUNS = list(paper_runs())
PLAIN, QUOTED = matrix_of(RUNS, quote=False), matrix_of(RUNS, quote=True)


def texts_of(svg):
    return [node.text for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")]


def test_every_figure_stands_in_its_cell():
    figure = heat_map_figure(PLAIN)
    texts = texts_of(figure.svg)
    for cell in PLAIN.cells:
        assert f"{cell.frozen.srcc:.3f}" in texts
        if not isinstance(cell.identification, Undefined):
            assert f"always clean {cell.all_clean.accuracy:.3f}" in texts
    assert texts.count("–") == 7  # two not tried in each panel, and no type in common
    assert ElementTree.fromstring(figure.svg)[0].text == figure.title


def test_the_table_holds_every_number_and_marks_what_is_quoted():
    table = heat_map_figure(QUOTED).table
    assert len(table.rows) == len(PLAIN.cells) + len(QUOTED.quoted)
    assert table.aside == frozenset(range(len(PLAIN.cells), len(table.rows)))
    assert {table.rows[index][2] for index in table.aside} == {"quoted"}


def test_undefined_figures_have_no_shade_and_say_so():
    flat = Undefined(undefined="constant predictions")
    quality = make_run().result.quality.model_copy(update={"srcc": flat})
    run = tried_on(with_result(make_run(), quality=quality), "CSIQ", "c", noise=0.2)
    flat_matrix = transfer_matrix([run], ["own"])
    assert texts_of(heat_map_figure(flat_matrix).svg).count("undefined") == 2


@pytest.mark.parametrize("name", ["a <b> & $x_$", "_hidden$", "図 \\frac{1}", "50 % {}"])
def test_names_of_any_kind_are_drawn_as_they_are(name):
    run = tried_on(make_run(), name, "c", noise=0.2)
    texts = texts_of(heat_map_figure(transfer_matrix([run], [f"{name}!"])).svg)
    drawn = [(text or "").lstrip("\u200b") for text in texts]
    assert (drawn.count(name), drawn.count(f"{name}!")) == (3, 3)  # once in each panel


def test_of_a_long_name_only_the_middle_is_left_out_and_its_table_holds_it_all():
    name = "a <b> & $x_$ of a rather long name that goes on"
    figure = heat_map_figure(transfer_matrix([tried_on(make_run(), name, "c", noise=0.2)], ["own"]))
    drawn = texts_of(figure.svg)
    assert [drawn.count(line) for line in ("a <b> & $x_$ of a", "…name that goes on")] == [3, 3]
    assert [row[:2] for row in figure.table.rows] == [
        *(("own", "packaged photographs"), ("own", name)),
    ]


def test_the_page_needs_nothing_else():
    page = matrix_html(QUOTED)
    assert page == matrix_html(QUOTED)
    assert not re.search(r"(?:src|href)=[\"']?http|<script|@import", page)
    assert "<h2>The paper" in page
    assert "<h2>The paper" not in matrix_html(PLAIN)


def test_a_drawing_is_written_by_the_ending_of_its_name(tmp_path):
    for name in ("a/m.svg", "m.png", "m.html"):
        assert write_matrix(PLAIN, tmp_path / name).is_file()
    ElementTree.parse(tmp_path / "a/m.svg")
    with Image.open(tmp_path / "m.png") as drawing:
        assert drawing.width > 500


def test_another_ending_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(ConfigError, match=r"written as \.svg, \.png, \.html, not as 'm\.pdf'"):
        write_matrix(PLAIN, tmp_path / "m.pdf")
    assert list(tmp_path.iterdir()) == []


def test_the_document_has_rows_columns_cells_and_what_is_quoted():
    document = json.loads(json.dumps(QUOTED.model_dump(mode="json")))
    assert list(document) == ["trained_on", "tested_on", "cells", "quoted", "published"]
    assert document["cells"][5]["identification"] == {"undefined": "no distortion is known to both"}


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return the command on a store with two finished runs; gives exit status and stdout."""
    app, address = typer.Typer(), f"sqlite:///{tmp_path}/store.sqlite"
    app.command()(matrix)
    monkeypatch.setenv("WORKBENCH_DB", address)
    with open_store(address) as store:
        fill(store)
        ids = [str(run.id) for run in store.runs.list() if run.status == "done"]
    return lambda *options: CliRunner().invoke(app, [*ids, *options])


def test_the_command_prints_one_document(command):
    document = json.loads(command("--json", "--quote").stdout)
    assert {cell["held_out"] for cell in document["cells"]} == {True}
    assert len(document["trained_on"]) == 2
    assert {row["source"].rpartition(", ")[2] for row in document["quoted"]} == {
        "Table IV",
        "Table V",
    }


def test_the_command_shows_people_the_terms_of_each_row(command, tmp_path):
    done = command("--quote", "--out", str(tmp_path / "m.svg"))
    assert done.exit_code == 0
    assert "held out" in done.stdout
    assert "No figure of the paper stands beside" in done.stdout
    assert (tmp_path / "m.svg").is_file()


def test_the_command_refuses_another_ending_before_it_computes(command):
    assert isinstance(command("--out", "m.pdf").exception, ConfigError)
