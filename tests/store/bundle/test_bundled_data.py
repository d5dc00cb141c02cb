"""A bundle carries a run on data of any kind, and says what is known of the data's licences."""

import pytest

from tests.databases import fresh_database
from workbench.datasets.adapters import adapters
from workbench.domain.config import DataConfig, DatasetConfig, RunConfig
from workbench.domain.run import Transfer
from workbench.store import open_store
from workbench.store.bundle import export_bundle, import_bundle, members

from ..store_examples import a_result, a_set
from ..test_store_recipes import a_recipe

JPEG = ("jpeg",)
# A table of a user's own and a multi-distortion set that `generate` made have adapters too.
KINDS = {
    "packaged": DataConfig(distortions=JPEG),
    "folder": DataConfig(photographs="/data/holiday", distortions=JPEG),
    **{
        name: DatasetConfig(dataset=name, root=f"/data/{name}", distortions=JPEG)
        for name in sorted(adapters())
    },
}


@pytest.fixture
def there_and_back(tmp_path):
    """Return a function: export a run of a configuration, import it elsewhere, export again."""

    def travel(config, **result):
        (tmp_path / "other").mkdir()
        first, again = tmp_path / "first.zip", tmp_path / "again.zip"
        with open_store(fresh_database(tmp_path / "store.sqlite")) as store:
            store.recipes.add(a_recipe(), author="ann")
            version = store.versions.freeze(a_set(), message="m", author="ann", alias="best").hash
            run = store.runs.enqueue(version, config)
            store.runs.claim("w")
            store.runs.finish(run.id, a_result(version, config).model_copy(update=result))
            export_bundle(store, first, ["best"])
        with open_store(fresh_database(tmp_path / "other" / "store.sqlite")) as other:
            assert import_bundle(other, first, author="dora").runs == 1
            assert other.runs.find_done(version, config.hash).config == config
            assert other.verify() == []
            recipes = other.recipes.list()
            export_bundle(other, again, ["best"])
        assert again.read_bytes() == first.read_bytes()
        return members.unpack(first), recipes

    return travel


def data_terms(members):
    lines = members["licences/TERMS.txt"].decode().splitlines()
    return next(line for line in lines if line.startswith("Photographs"))


def test_the_kinds_of_data_include_tables_and_generated_sets():
    assert {"table", "generated", "kadid10k"} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_on_each_kind_of_data_travels_and_states_its_licences(there_and_back, kind):
    config = RunConfig(data=KINDS[kind])
    protocol = a_result("", config).protocol.model_copy(update={"dataset": kind})
    members, _ = there_and_back(config, protocol=protocol)
    packaged = kind == "packaged"
    assert ("licences/photographs.txt" in members) == packaged
    known = "those of the packaged ones are in photographs.txt, others are unknown here"
    assert data_terms(members) == (
        f"Photographs that runs were made on ({kind}): not in this bundle; "
        f"{known if packaged else 'their licences are unknown here'}."
    )


def test_the_data_of_transfers_are_named_and_their_recipes_travel(there_and_back):
    config = RunConfig(
        data=KINDS["kadid10k"], transfer=(DataConfig(distortions=("dim",)), KINDS["live"])
    )
    result = a_result("", config)
    transfers = tuple(
        Transfer(
            protocol=result.protocol.model_copy(update={"dataset": name}),
            identification=None,
            all_clean=None,
            frozen=result.quality,
            zero_shot=result.quality,
            predictions=result.predictions,
        )
        for name in ("packaged", "live")
    )
    members, recipes = there_and_back(config, transfers=transfers)
    assert f"(live, packaged, {result.protocol.dataset})" in data_terms(members)
    assert "licences/photographs.txt" in members
    assert recipes == [a_recipe()]
