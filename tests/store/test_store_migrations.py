"""Every earlier schema, with data in it, becomes today's and keeps every row.

`schema_NNNN.json` holds rows as the program of that day wrote them, in the order of insertion.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from workbench.domain.config import RegressorConfig
from workbench.domain.distortion import Recipe
from workbench.store import open_store
from workbench.store.database import Database
from workbench.store.store import alembic_config

from .store_examples import CONFIG, NOON, a_set

OLD = sorted(Path(__file__).parent.glob("schema_*.json"))
# What a regressor read before it was configured; the runs of that day do not say it.
EARLIER = RegressorConfig(readout="probabilities", views="crops")


def build(url, file):
    """Make a database at an old schema, with the rows of a file."""
    database = Database(url)
    with database.connected() as connection:
        command.upgrade(alembic_config(connection), file.stem.removeprefix("schema_"))
        old = sa.MetaData()
        old.reflect(connection)
        for name, row in json.loads(file.read_text(encoding="utf-8")):
            connection.execute(old.tables[name].insert().values(typed(old.tables[name], row)))
    database.close()


def typed(table, row):
    def value(column):
        if isinstance(column.type, sa.DateTime) and row[column.name]:
            return datetime.fromisoformat(row[column.name]).replace(tzinfo=UTC)
        return bool(row[column.name]) if isinstance(column.type, sa.Boolean) else row[column.name]

    return {name: value(table.columns[name]) for name in row}


def test_every_earlier_schema_has_its_rows(url):
    with open_store(url) as store, store.database.connected() as connection:
        steps = list(ScriptDirectory.from_config(alembic_config(connection)).walk_revisions())
    assert [file.stem for file in OLD] == sorted(f"schema_{step.revision}" for step in steps[1:])


@pytest.mark.parametrize("file", OLD, ids=lambda file: file.stem)
def test_an_old_database_keeps_everything_it_had(url, file):
    build(url, file)
    with open_store(url) as store:
        (version,) = store.versions.list()
        assert store.versions.verify() == []
        assert version.aliases == ("best",)
        assert version.attributes.phrases() == {"jpeg": ("blocky edges", "ringing, é")}
        assert [row.updated_by for row in store.draft.rows("jpeg")] == ["ann", "bob"]
        assert store.calls.get(1).created_at == NOON
        run = store.runs.get(1)
        earlier = CONFIG.model_copy(update={"regressor": EARLIER})
        assert (run.status, run.config) == ("done", earlier)
        assert store.runs.find_done(version.hash, earlier.hash) == run
        assert store.runs.find_done(version.hash, CONFIG.hash) is None
        assert run.result.quality.srcc == 1 / 3
        assert run.result.version == version.hash
        assert store.verify() == []
        blocky = version.attributes.by_distortion["jpeg"][0]
        assert [entry.kind for entry in store.history.of(blocky.identity)] == [
            "add", "first frozen",
        ]  # fmt: skip


@pytest.mark.parametrize("file", OLD, ids=lambda file: file.stem)
def test_an_old_database_can_do_what_a_new_one_can(url, file):
    build(url, file)
    veil = Recipe(id="veil", name="Veil", group="spatial", explanation="A veil.")
    with open_store(url) as store:
        store.recipes.add(veil, author="ann")
        store.draft.replace(a_set(veil=["milky veil"]), author="ann")
        assert store.versions.freeze(
            store.draft.attribute_set(), message="second", author="ann", parent="best"
        ).attributes.distortions == ("jpeg", "veil")
        assert veil in store.recipes.list()
        row = store.draft.rows("jpeg")[0]
        store.draft.remove(row.id, based_on=row.row_version, author="ann")
        store.record.undo(store.record.events(limit=1)[0].id, author="ann")
        assert store.draft.rows("jpeg")[0].attribute == row.attribute
        assert store.verify() == []
