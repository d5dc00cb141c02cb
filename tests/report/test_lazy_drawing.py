"""matplotlib takes long to load: only what draws loads it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

SCRIPT = """
import sys
import workbench.app.pages.compare, workbench.workflow.compare
from tests.evaluation.comparison_factory import make_attributes, make_run
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import compare_runs
from workbench.report.content import report_content
from workbench.report.page import csv_tables, report_html, report_json

runs = ComparedRuns.of([make_run()], ["draft"])
comparison = compare_runs(runs, resamples=200)
content = report_content(comparison, runs, {"draft": make_attributes("draft")})
assert report_json(content) and csv_tables(content)
assert "matplotlib" not in sys.modules, "a document or a table loads it"
assert "<svg" in report_html(content)
assert "matplotlib" in sys.modules
"""


def test_pages_documents_and_tables_need_no_matplotlib():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
