import pytest

from tests.databases import fresh_database
from workbench.domain.attributes import AttributeSet
from workbench.settings import read_settings
from workbench.store import open_store


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A home and a database of the test's own, in the environment too, for child processes."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    return read_settings()


@pytest.fixture
def store(settings):
    with open_store(settings.database_url) as opened:
        yield opened


@pytest.fixture
def version(store):
    return store.versions.freeze(
        AttributeSet.from_phrases({"jpeg": ["blocky edges"]}), message="first", author="ann"
    )
