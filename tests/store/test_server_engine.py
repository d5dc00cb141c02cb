"""Connections to PostgreSQL: few messages, and none that is dead."""

import shutil

import pytest
from sqlalchemy import text

from tests.store.private_postgres import ACCOUNT, private_server, server_binaries
from workbench.domain.attributes import Attribute
from workbench.errors import StoreUnreachableError
from workbench.store import open_store, server_engine

from .conftest import BACKENDS, POSTGRESQL

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(POSTGRESQL not in BACKENDS, reason="no PostgreSQL here"),
]


@pytest.fixture
def store(states):
    with states("postgresql") as opened:
        yield opened


def drop_connections(port):
    """Have the server end all but this one's own, as its restart would."""
    import pg8000.native

    with pg8000.native.Connection(
        ACCOUNT, port=port, database="postgres", ssl_context=False
    ) as own:
        own.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shared'")


def test_a_connection_that_the_server_has_dropped_is_replaced(store, postgres_port, monkeypatch):
    store.draft.add("jpeg", Attribute(phrase="blocky edges"), author="ann")
    monkeypatch.setattr(server_engine, "FRESH_S", 0.0)
    drop_connections(postgres_port)
    store.draft.add("jpeg", Attribute(phrase="soft edges"), author="ann")
    assert [row.attribute.phrase for row in store.draft.rows()] == ["blocky edges", "soft edges"]


def test_one_that_was_used_a_moment_ago_is_not_asked_and_ends_in_one_line(
    store, postgres_port, monkeypatch
):
    monkeypatch.setattr(server_engine, "FRESH_S", 1e9)
    store.draft.add("jpeg", Attribute(phrase="blocky edges"), author="ann")
    drop_connections(postgres_port)
    with pytest.raises(StoreUnreachableError, match="any more"):
        store.draft.add("jpeg", Attribute(phrase="soft edges"), author="ann")
    store.draft.add("jpeg", Attribute(phrase="soft edges"), author="ann")
    assert len(store.draft.rows()) == 2


def test_statements_beyond_those_that_are_kept_are_sent_anew(store, monkeypatch):
    monkeypatch.setattr(server_engine, "PREPARED", 2)
    words = [f"blocky 'edges' at 100 % and {n} %s $1" for n in range(3)]
    for phrase in words:
        store.draft.add("jpeg", Attribute(phrase=phrase), author="ann")
    assert [row.attribute.phrase for row in store.draft.rows()] == words
    assert len([*store.audit.all()]) == 3
    assert store.verify() == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_a_server_that_demands_tls_is_spoken_to_by_tls():
    with (
        private_server(server_binaries(), demands_tls=True) as port,
        open_store(f"postgresql://{ACCOUNT}@127.0.0.1:{port}/postgres") as store,
        store.database.connected() as connection,
    ):
        own = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert connection.execute(text(own)).scalar() is True
