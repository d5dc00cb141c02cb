import importlib.util

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from workbench.errors import ConfigError, StoreError
from workbench.settings import read_settings
from workbench.store import open_store, tables
from workbench.store.store import alembic_config, newest_schema, schema_of

from .other_process import run_together
from .store_examples import a_set


def test_an_empty_database_gets_the_tables_that_the_models_describe(url):
    with open_store(url) as store, store.database.connected() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.METADATA) == []
        assert set(inspect(connection).get_table_names()) == {
            *tables.METADATA.tables,
            "alembic_version",
        }


def test_a_model_without_its_migration_would_be_noticed(url):
    with open_store(url) as store, store.database.connected() as connection:
        connection.execute(text("ALTER TABLE run ADD COLUMN forgotten INTEGER"))
        connection.execute(text("DROP INDEX ix_llm_call_key"))
        context = MigrationContext.configure(connection)
        changes = {change[0] for change in compare_metadata(context, tables.METADATA)}
        assert changes == {"remove_column", "add_index"}


def test_the_schema_has_one_newest_step(url):
    with open_store(url) as store, store.database.connected() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
        assert script.get_heads() == [MigrationContext.configure(connection).get_current_revision()]
        assert script.get_heads() == [newest_schema()] == [schema_of(connection)]


@pytest.mark.process
def test_alembic_is_loaded_only_to_upgrade(sqlite_path):
    script = "with open_store(sys.argv[1]):\n    print('alembic' in sys.modules)"
    for loaded in ("True", "False"):  # the second opening finds the newest schema
        (opened,) = run_together(script, (f"sqlite:///{sqlite_path}",))
        assert opened.said == [loaded], opened.complaints


def test_a_store_keeps_its_content_and_may_be_opened_again(url):
    with open_store(url) as store:
        version = store.versions.freeze(a_set(), message="first", author="ann")
    with open_store(url) as store:
        assert store.versions.list() == [version]
        assert store.url == url
        store.close()


def test_an_upgrade_that_fails_leaves_nothing_behind(url, monkeypatch):
    def break_off(*_):
        raise RuntimeError("power cut")

    monkeypatch.setattr("alembic.op.create_index", break_off)
    with pytest.raises(RuntimeError, match="power cut"):
        open_store(url)
    monkeypatch.undo()
    with open_store(url) as store, store.database.connected() as connection:
        assert len(inspect(connection).get_table_names()) == len(tables.METADATA.tables) + 1


def test_a_newer_schema_is_refused_and_left_alone(url):
    with open_store(url) as store, store.database.connected() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="has schema 9999, newer than this program, which knows"):
        open_store(url)


def test_a_database_of_another_program_is_refused_and_left_alone(sqlite_path, raw):
    raw(sqlite_path, "CREATE TABLE invoices (id)")
    with pytest.raises(StoreError, match=r"holds tables of another program \(invoices"):
        open_store(f"sqlite:///{sqlite_path}")
    assert raw(sqlite_path, "SELECT name FROM sqlite_master") == [("invoices",)]


def test_a_file_that_is_no_database_is_refused_and_left_alone(sqlite_path):
    content = b"these are my notes, not a database" * 100
    sqlite_path.write_bytes(content)
    with pytest.raises(StoreError, match=f"{sqlite_path}: this file is no SQLite database"):
        open_store(f"sqlite:///{sqlite_path}")
    assert sqlite_path.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_said(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened or created"):
        open_store(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("store.sqlite", "'store.sqlite' is no database URL; write sqlite:///"),
        ("sqlite://~/store.sqlite", "SQLite has none; write sqlite:/// with three slashes"),
        ("sqlite:///what?/store.sqlite", "ends its path at the '?'; write %3F where the path"),
        ("mysql://localhost/x", "cannot use 'mysql'; it knows sqlite and postgresql"),
        ("postgresql+psycopg2://localhost/x", "needs the package 'psycopg2', which is not"),
        ("postgresql://u:secret@127.0.0.1:1/x", "the server does not answer. Start it"),
    ],
)
def test_an_unusable_url_is_said_without_its_password(bad, message):
    with pytest.raises(StoreError) as caught:
        open_store(bad)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_folder_is_created(tmp_path):
    path = tmp_path / "a" / "b" / "store.sqlite"
    open_store(f"sqlite:///{path}").close()
    assert path.is_file()


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///~/iqa/store.sqlite").close()
    assert (tmp_path / "ann" / "iqa" / "store.sqlite").is_file()
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    "name", ["100%41", "what?", "a#b", "a b+c", "ü%FF", "x=1&y=2", "semi;colon", "%", "a:b@c"]
)
def test_the_store_of_a_home_is_in_that_home_whatever_it_is_called(name, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / name))
    monkeypatch.delenv("WORKBENCH_DB", raising=False)
    open_store(read_settings().database_url).close()
    (file,) = tmp_path.rglob("*.sqlite")
    assert file == tmp_path / name / "attribute_db" / "workbench.sqlite"


def test_a_home_whose_path_no_url_can_tell_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "caf\udce9"))
    monkeypatch.delenv("WORKBENCH_DB", raising=False)
    with pytest.raises(ConfigError, match="the path is not UTF-8"):
        read_settings()


def test_sqlite_runs_in_wal_mode_with_foreign_keys(sqlite_path):
    with open_store(f"sqlite:///{sqlite_path}") as store, store.database.reading() as session:
        ask = lambda name: session.connection().execute(text(f"PRAGMA {name}")).scalar()  # noqa: E731
        assert ask("journal_mode") == "wal"
        assert ask("foreign_keys") == 1
        assert ask("busy_timeout") == 60_000


def test_closing_the_last_connection_leaves_one_file(sqlite_path):
    with open_store(f"sqlite:///{sqlite_path}") as store:
        store.versions.freeze(a_set(), message="m", author="ann")
    assert [path.name for path in sqlite_path.parent.iterdir()] == ["store.sqlite"]


def test_importing_the_tables_again_as_a_hot_reload_does_is_no_error():
    again = importlib.util.module_from_spec(tables.__spec__)
    tables.__spec__.loader.exec_module(again)
    assert again.METADATA is not tables.METADATA
    assert set(again.METADATA.tables) == set(tables.METADATA.tables)
