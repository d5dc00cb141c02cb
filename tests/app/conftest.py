import shutil
import sqlite3
import sys
from contextlib import closing

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.databases import fresh_database
from tests.waiting import PATIENCE_S
from workbench.app.services import current_session
from workbench.settings import read_settings
from workbench.store import open_store

from .full_database import fill


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A home and a database of the test's own, found by the page through the environment."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    monkeypatch.setenv("WORKBENCH_AUTHOR", "eva")
    return read_settings()


@pytest.fixture
def store(settings):
    """The store that the page will open as well: what another session would do."""
    with open_store(settings.database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def full_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("full") / "store.sqlite"
    with open_store(f"sqlite:///{file}") as opened:
        fill(opened)
    return file


@pytest.fixture
def full_store(settings, full_file):
    """The same with something of everything in it."""
    file = shutil.copy(full_file, settings.home / "store.sqlite")
    # It may be minutes old, and a run that is silent for one is called interrupted.
    with closing(sqlite3.connect(file)) as raw, raw:
        now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
        raw.execute(f"UPDATE run SET heartbeat_at = {now} WHERE status = 'running'")
    with open_store(settings.database_url) as opened:
        yield opened


@pytest.fixture
def page(settings):
    """Open a page by the name of its module, with what its URL shall say."""
    main = sys.modules["__main__"]

    def open_page(name, **query):
        script = AppTest.from_function(_script, kwargs={"name": name}, default_timeout=PATIENCE_S)
        script.query_params.update(query)
        return script.run()

    yield open_page
    sys.modules["__main__"] = main  # Streamlit puts its script there, and child processes run it
    current_session().store.close()
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def link(page):
    """Open a page by a link with these parameters."""

    def open_link(name="compare", **parameters):
        script = AppTest.from_function(_script, kwargs={"name": name}, default_timeout=PATIENCE_S)
        for key, value in parameters.items():
            script.query_params[key] = value
        return script.run()

    return open_link


def _script(name):
    import importlib

    importlib.import_module(f"workbench.app.pages.{name}").render()
