"""Without Chromium the browser tests are left out, and said to be; where CI says so, that fails."""

import os

import pytest

from .running_app import CHROMIUM, chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def pytest_collection_modifyitems(config, items):
    if CHROMIUM.exists():
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if not left_out:
        return
    if os.environ.get("CI"):
        raise pytest.UsageError(f"{CHROMIUM} is missing: apt-get install chromium")
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(f"{len(left_out)} browser tests left out: {CHROMIUM} is missing.")
