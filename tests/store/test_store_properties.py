import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import EditConflictError, StoreError
from workbench.store import open_store

DISTORTIONS = st.sampled_from(["blur", "jpeg", "noise"])
PHRASES = st.one_of(
    st.sampled_from(["blocky edges", "rings", "a a haze", "Grain", "grain", "1. 2. spots"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
)
STATUSES = st.sampled_from(["proposed", "accepted", "needs work", "rejected"])


class Workbench(RuleBasedStateMachine):
    """Two people edit, replace and freeze at will; what was frozen must stay."""

    template: Path

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = shutil.copy(self.template, Path(self.folder.name) / "store.sqlite")
        self.store = open_store(f"sqlite:///{path}")
        self.frozen = {}
        self.read = []

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
        assert self.store.draft.attribute_set().restricted_to([distortion]) == content

    @rule(alias=st.sampled_from([None, "best", "baseline"]))
    def freeze(self, alias):
        draft = self.store.draft.attribute_set()
        try:
            version = self.store.versions.freeze(draft, message="m", author="ann", alias=alias)
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
