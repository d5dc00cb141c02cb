import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import EditConflictError, StoreError
from workbench.store import open_store

pytestmark = pytest.mark.slow

DISTORTIONS = st.sampled_from(["blur", "jpeg", "noise"])
PHRASES = st.one_of(
    st.sampled_from(["blocky edges", "rings", "a a haze", "Grain", "grain", "1. 2. spots"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
)
STATUSES = st.sampled_from(["proposed", "accepted", "needs work", "rejected"])


class Workbench(RuleBasedStateMachine):
    """Several people edit, freeze, restore and undo at will; what was frozen must stay."""

    template: Path

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = shutil.copy(self.template, Path(self.folder.name) / "store.sqlite")
        self.store = open_store(f"sqlite:///{path}")
        self.frozen = {}
        self.read = []
        self.drafts = {}  # number of the last event to the draft as it was then

    def teardown(self):
        self.store.close()
        self.folder.cleanup()

    @rule()
    def look(self):
        self.read = self.store.draft.rows()

    @rule(distortion=DISTORTIONS, phrase=PHRASES, status=STATUSES)
    def add(self, distortion, phrase, status):
        try:
            attribute = Attribute(phrase=phrase, status=status)
            self.store.draft.add(distortion, attribute, author="ann")
        except (ValueError, StoreError):
            pass

    @rule(phrase=PHRASES, data=st.data())
    def edit(self, phrase, data):
        if self.read:
            row = data.draw(st.sampled_from(self.read))
            now = {present.id: present for present in self.store.draft.rows()}.get(row.id)
            try:
                after = self.store.draft.edit(
                    row.id, phrase, based_on=row.row_version, author="bob"
                )
                assert now.row_version == row.row_version, "an edit overwrote another"
                assert after.row_version - now.row_version in (0, 1)
            except EditConflictError:
                assert now is None or now.row_version != row.row_version
            except StoreError:
                assert self.store.draft.rows("nowhere") == []

    @rule(status=STATUSES, data=st.data())
    def decide(self, status, data):
        if rows := self.store.draft.rows():
            row = data.draw(st.sampled_from(rows))
            self.store.draft.set_status(row.id, status, based_on=row.row_version, author="bob")

    @rule(data=st.data())
    def remove(self, data):
        if rows := self.store.draft.rows():
            row = data.draw(st.sampled_from(rows))
            self.store.draft.remove(row.id, based_on=row.row_version, author="bob")

    @rule(distortion=DISTORTIONS, phrases=st.lists(PHRASES, max_size=3))
    def replace(self, distortion, phrases):
        try:
            content = AttributeSet.from_phrases({distortion: phrases})
            self.store.draft.replace(content, author="eve", distortions=[distortion])
        except (ValueError, StoreError):
            return
        draft = self.store.draft.attribute_set().restricted_to([distortion])
        assert draft.phrases() == content.phrases()

    @rule(data=st.data())
    def move(self, data):
        if rows := self.store.draft.rows():
            row = data.draw(st.sampled_from(rows))
            peers = [other.id for other in rows if other.distortion == row.distortion]
            place = data.draw(st.integers(0, len(peers) - 1))
            self.store.draft.move(row.id, place, based_on=row.row_version, author="eve")
            after = [other.id for other in self.store.draft.rows(row.distortion)]
            assert after.index(row.id) == place
            assert [i for i in after if i != row.id] == [i for i in peers if i != row.id]

    @rule(discard=st.booleans(), data=st.data())
    def restore(self, discard, data):
        if self.frozen:
            version = self.frozen[data.draw(st.sampled_from(sorted(self.frozen)))]
            before = self.draft()
            try:
                self.store.draft.restore(version.hash, author="kim", discard=discard)
            except StoreError:
                assert not discard
                assert self.draft() == before
                return
            assert self.store.draft.attribute_set() == version.attributes
            assert not self.store.draft.is_changed()

    @rule(data=st.data())
    def undo_what_was_done_last(self, data):
        """The last change of the draft can always be undone, and that undone again."""
        newest = self.store.record.events(limit=1)
        if newest and newest[0].action not in ("freeze", "set alias"):
            change = self.store.record.events(change=newest[0].change, limit=1_000)
            if any(event.action == "freeze" for event in change):
                return
            now = self.draft()
            undone = self.store.record.undo_change(newest[0].change, author="kim")
            assert self.draft() == self.drafts.get(newest[0].id - len(change), self.draft())
            self.store.record.undo_change(undone[0].change, author="kim")
            assert self.draft() == now
            if data.draw(st.booleans()):
                self.store.record.undo_change(newest[0].change, author="kim")

    @rule(data=st.data())
    def undo_anything(self, data):
        if events := self.store.record.events(limit=1_000):
            before, event = self.draft(), data.draw(st.sampled_from(events))
            try:
                self.store.record.undo(event.id, author="eve")
            except StoreError:
                assert self.draft() == before

    @rule(alias=st.sampled_from([None, "best", "baseline"]), data=st.data())
    def freeze(self, alias, data):
        draft = self.store.draft.attribute_set()
        parents = [data.draw(st.sampled_from(sorted(self.frozen))) for _ in "ab" if self.frozen]
        named = dict(zip(("parent", "merged"), parents, strict=False))
        try:
            version = self.store.versions.freeze(
                draft, message="m", author="ann", alias=alias, **named
            )
        except StoreError:
            assert draft.without_rejected().size == 0
            return
        assert version.hash == draft.without_rejected().hash
        before = self.frozen.setdefault(version.hash, version)
        assert version.model_copy(update={"aliases": before.aliases}) == before

    @invariant()
    def every_frozen_version_is_what_it_was(self):
        now = {version.hash: version for version in self.store.versions.list()}
        assert now.keys() == self.frozen.keys()
        for hash, version in now.items():
            assert version.attributes == self.frozen[hash].attributes
            assert version.message == self.frozen[hash].message
        assert self.store.versions.verify() == []

    @invariant()
    def the_store_is_whole(self):
        assert self.store.verify() == []
        self.drafts[max((event.id for event in self.store.record.events(limit=1)), default=0)] = (
            self.draft()
        )

    def draft(self):
        """The draft without the marks of who touched it last, in its order."""
        marks = {"row_version", "updated_at", "updated_by"}
        return self.store.draft.base(), [
            row.model_dump(exclude=marks) for row in self.store.draft.rows()
        ]


def test_no_sequence_of_edits_and_freezes_changes_a_frozen_version(sqlite_path):
    open_store(f"sqlite:///{sqlite_path}").close()
    Workbench.template = sqlite_path
    run_state_machine_as_test(
        Workbench,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
