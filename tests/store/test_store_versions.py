import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import FrozenVersionError, IntegrityError, StoreError, VersionNotFoundError

from .store_examples import a_call, a_set


@pytest.fixture
def version(store):
    return store.versions.freeze(a_set(), message="first", author="ann", alias="baseline")


def run_sql(store, statement):
    with store.database.writing() as session:
        session.connection().execute(text(statement))


def allow_tampering(store):
    """Do what an intruder with the right to alter the schema would do."""
    with store.database.writing() as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            for table in ("version", "version_attribute"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'"))
            for (name,) in names.all():
                connection.execute(text(f"DROP TRIGGER {name}"))


def test_a_frozen_version_is_read_as_it_was_written(store):
    call = store.calls.add(a_call())
    attributes = AttributeSet(
        by_distortion={
            "noise": (Attribute(phrase="grain", origin="curated", status="accepted"),),
            "jpeg": (
                Attribute(phrase="rings \u00e9 \U0001f4f7", origin="llm", call_id=call.id),
                Attribute(phrase="a a a blur"),
            ),
        }
    )
    frozen = store.versions.freeze(attributes, message=" why ", author="ann")
    assert frozen.hash == attributes.hash
    assert frozen.attributes == attributes
    assert (frozen.message, frozen.author, frozen.parent, frozen.aliases) == (
        "why",
        "ann",
        None,
        (),
    )
    assert abs(frozen.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert store.versions.get(frozen.hash) == frozen
    assert store.versions.list() == [frozen]
    assert store.versions.verify() == []


def test_rejected_attributes_are_left_out(store):
    attributes = AttributeSet(
        by_distortion={
            "jpeg": (Attribute(phrase="rings"), Attribute(phrase="pretty", status="rejected")),
            "noise": (Attribute(phrase="quiet", status="rejected"),),
        }
    )
    frozen = store.versions.freeze(attributes, message="m", author="ann")
    assert frozen.attributes.phrases() == {"jpeg": ("rings",)}
    only_rejected = attributes.restricted_to(["noise"])
    with pytest.raises(StoreError, match="nothing to freeze"):
        store.versions.freeze(only_rejected, message="m", author="ann")


def test_the_same_content_is_the_same_version_whoever_wrote_it(store, version):
    other = store.versions.freeze(
        a_set(jpeg=["There is a blocky edges"]), message="second", author="bob", alias="best"
    )
    assert other == version.model_copy(update={"aliases": ("baseline", "best")})
    assert len(store.versions.list()) == 1


def test_freezing_under_an_alias_moves_it(store, version):
    newer = store.versions.freeze(a_set(jpeg=["rings"]), message="m", author="b", alias="baseline")
    assert newer.aliases == ("baseline",)
    assert store.versions.get("baseline") == newer
    assert store.versions.get(version.hash).aliases == ()


@pytest.mark.parametrize("message", ["", " \n"])
def test_a_version_needs_a_message(store, message):
    with pytest.raises(StoreError, match="needs a message that says why"):
        store.versions.freeze(a_set(), message=message, author="ann")
    assert store.versions.list() == []


def test_versions_are_listed_newest_first_with_their_parents(store, version):
    child = store.versions.freeze(
        a_set(jpeg=["rings"]), message="m", author="ann", parent="baseline"
    )
    assert child.parent == version.hash
    assert store.versions.list() == [child, version]


def test_an_unknown_parent_freezes_nothing(store, version):
    with pytest.raises(VersionNotFoundError, match="Did you mean 'baseline'"):
        store.versions.freeze(a_set(x=["y"]), message="m", author="ann", parent="basline")
    assert store.versions.list() == [version]


def test_an_attribute_whose_call_is_not_logged_is_not_frozen(store):
    attributes = AttributeSet(by_distortion={"jpeg": (Attribute(phrase="x", call_id=9),)})
    with pytest.raises(StoreError, match="not in this store's log: 9"):
        store.versions.freeze(attributes, message="m", author="ann")
    assert store.versions.list() == []


@pytest.mark.parametrize("digits", [4, 10, 63, 64])
def test_a_prefix_names_a_version_in_either_case(store, version, digits):
    assert store.versions.get(version.hash[:digits]) == version
    assert store.versions.get(version.hash[:digits].upper()) == version


def test_a_prefix_of_three_digits_is_too_short(store, version):
    with pytest.raises(VersionNotFoundError, match="too short; give an alias or at least 4 digits"):
        store.versions.get(version.hash[:3])


@pytest.mark.parametrize("ref", ["", "%", "____", "0" * 65, "nothing like it"])
def test_what_names_no_version_is_said(store, version, ref):
    with pytest.raises(VersionNotFoundError, match=re.escape(f"Unknown version '{ref}'")):
        store.versions.get(ref)


def test_a_prefix_with_a_typing_error_finds_the_nearest(store, version):
    wrong = version.hash[:7] + ("0" if version.hash[7] != "0" else "1")
    with pytest.raises(VersionNotFoundError, match=f"Did you mean '{version.hash[:10]}'"):
        store.versions.get(wrong)


def test_an_empty_store_says_that_there_is_none(store):
    with pytest.raises(VersionNotFoundError, match="There is none yet"):
        store.versions.get("baseline")


def test_an_ambiguous_prefix_names_the_candidates(store):
    first = {}
    for number in range(10_000):  # a collision of four digits comes after some 300 tries
        phrase = f"phrase {number}"
        prefix = a_set(jpeg=[phrase]).hash[:4]
        if prefix in first:
            break
        first[prefix] = phrase
    twins = [
        store.versions.freeze(a_set(jpeg=[words]), message="m", author="ann")
        for words in (first[prefix], phrase)
    ]
    with pytest.raises(VersionNotFoundError, match="more than one version") as caught:
        store.versions.get(prefix)
    assert all(twin.hash[:12] in str(caught.value) for twin in twins)
    assert store.versions.get(twins[0].hash[:20]) == twins[0]


@pytest.mark.parametrize("name", ["", "1st", "a b", "-x", "x" * 65, "é", "a/b", "x\n"])
def test_an_alias_that_cannot_be_typed_is_refused(store, version, name):
    with pytest.raises(StoreError, match="cannot be used: start with a letter"):
        store.versions.set_alias(name, version.hash)


@pytest.mark.parametrize("name", ["decade", "BEEF", "a"])
def test_an_alias_that_could_be_a_hash_is_refused(store, version, name):
    with pytest.raises(StoreError, match=f"'{name}' reads as a hash"):
        store.versions.freeze(a_set(x=["y"]), message="m", author="ann", alias=name)
    assert store.versions.list() == [version]


def test_an_alias_moves_and_may_name_another_alias(store, version):
    newer = store.versions.freeze(a_set(jpeg=["rings"]), message="m", author="ann")
    assert store.versions.set_alias("best", newer.hash[:6]).hash == newer.hash
    assert store.versions.set_alias("best", "baseline").aliases == ("baseline", "best")
    with pytest.raises(VersionNotFoundError, match="Unknown version 'nope'"):
        store.versions.set_alias("best", "nope")
    assert store.versions.get("best").hash == version.hash


REFUSED = [
    "UPDATE version SET message = 'other'",
    "UPDATE version SET id = 7",
    "DELETE FROM version",
    "UPDATE version_attribute SET phrase = 'other'",
    "UPDATE version_attribute SET status = 'rejected'",
    "DELETE FROM version_attribute",
    "INSERT INTO version_attribute (version_id, distortion, position, phrase, origin, status)"
    " VALUES (1, 'jpeg', 99, 'smuggled in', 'expert', 'accepted')",
    "UPDATE audit_event SET author = 'eve'",
    "DELETE FROM audit_event",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_itself_refuses_to_change_what_is_frozen(store, version, statement):
    with pytest.raises(FrozenVersionError, match="cannot be changed; freeze a new version"):
        run_sql(store, statement)
    assert store.versions.list() == [version]
    assert store.versions.verify() == []


@pytest.mark.parametrize("statement", REFUSED)
def test_another_tool_is_refused_as_well(sqlite_path, raw, statement):
    from workbench.store import open_store

    with open_store(f"sqlite:///{sqlite_path}") as store:
        version = store.versions.freeze(a_set(), message="first", author="ann")
        replacing = statement.replace("UPDATE ", "UPDATE OR REPLACE ").replace(
            "INSERT ", "INSERT OR REPLACE "
        )
        for attempt in (statement, replacing):
            with pytest.raises(Exception, match="frozen: what is recorded cannot be changed"):
                raw(sqlite_path, attempt)
        assert store.versions.list() == [version]


def test_replacing_a_version_row_is_refused_though_sqlite_fires_no_delete_trigger(sqlite_path, raw):
    from workbench.store import open_store

    with open_store(f"sqlite:///{sqlite_path}") as store:
        version = store.versions.freeze(a_set(), message="first", author="ann")
        for id, hash in ((1, "f" * 64), (2, version.hash)):
            with pytest.raises(Exception, match="frozen: "):
                raw(
                    sqlite_path,
                    "INSERT OR REPLACE INTO version (id, hash, seal, message, author, created_at) "
                    f"VALUES ({id}, '{hash}', '', 'other', 'eve', '2026-01-01 00:00:00')",
                )
        assert store.versions.list() == [version]


def test_emptying_the_table_in_one_stroke_is_refused(store, version):
    stroke = "DELETE FROM" if store.url.startswith("sqlite") else "TRUNCATE"
    with pytest.raises(FrozenVersionError):
        run_sql(store, f"{stroke} version_attribute")
    assert store.versions.list() == [version]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE version_attribute SET phrase = 'blocky edge' WHERE phrase = 'blocky edges'",
        # what normalising would put right
        "UPDATE version_attribute SET phrase = 'a blocky edges' WHERE phrase = 'blocky edges'",
        "UPDATE version_attribute SET position = 5 - position WHERE version_id = 1",
        "UPDATE version_attribute SET origin = 'llm' WHERE version_id = 1",
        "UPDATE version_attribute SET status = 'accepted' WHERE version_id = 1",
        "DELETE FROM version_attribute WHERE position = 1",
        "INSERT INTO version_attribute (version_id, distortion, position, phrase, origin, status)"
        " VALUES (1, 'jpeg', 2, 'smuggled in', 'expert', 'accepted')",
        "UPDATE version SET author = 'eve' WHERE id = 1",
        "UPDATE version SET message = 'other' WHERE id = 1",
        "UPDATE version SET parent_id = 2 WHERE id = 1",
        "UPDATE version SET created_at = '2020-01-01 00:00:00' WHERE id = 1",
    ],
)
def test_tampering_past_the_triggers_is_found(store, statement):
    broken = store.versions.freeze(a_set(jpeg=["blocky edges", "x"]), message="m", author="ann")
    intact = store.versions.freeze(a_set(noise=["grain"]), message="m", author="ann")
    allow_tampering(store)
    run_sql(store, statement)
    assert store.versions.verify() == [broken.hash]
    with pytest.raises(IntegrityError, match=f"Version {broken.hash[:10]} is no longer what was"):
        store.versions.get(broken.hash)
    with pytest.raises(IntegrityError):
        store.versions.list()
    assert store.versions.get(intact.hash) == intact


def test_a_version_that_vanished_is_missed(store, version):
    allow_tampering(store)
    for statement in (
        "DELETE FROM version_alias",
        "DELETE FROM version_attribute",
        "DELETE FROM version",
    ):
        run_sql(store, statement)
    assert store.versions.verify() == [version.hash]


def test_a_changed_hash_is_found_under_both_names(store, version):
    allow_tampering(store)
    run_sql(store, f"UPDATE version SET hash = '{'f' * 64}'")
    assert store.versions.verify() == ["f" * 64, version.hash]
