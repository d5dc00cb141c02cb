"""What each role may change: every act there is, done by who may not do it, changes nothing."""

import ast
from pathlib import Path

import pytest

import workbench.store
from tests.app.full_database import CONFIG, a_result, fill
from tests.factories import make_proposal
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.distortion import Recipe
from workbench.domain.question import Asked
from workbench.errors import RoleError
from workbench.roles import ROLES, Actor
from workbench.store.bundle import export_bundle, import_bundle
from workbench.store.tables import METADATA

from .store_examples import a_call

VEIL = Recipe(id="veil", name="Veil", group="spatial", explanation="A veil.")
NEW = Attribute(phrase="quite new words")
HASH = "0" * 64


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with something to change for every act."""
    folder = tmp_path_factory.mktemp("roles")
    with workbench.store.open_store(f"sqlite:///{folder / 'store.sqlite'}") as store:
        fill(store)
        store.draft.replace(
            AttributeSet.from_phrases({"jpeg": ["hard tiles", "muddy tints"]}), author="ann"
        )
        store.recipes.add(VEIL, author="ann")
        store.proposals.add_all([make_proposal(store.draft.rows("jpeg")[0])], author="ann")
        store.questions.ask(Asked(distortions=("jpeg",), model="m"), author="ann")
        store.questions.end(1, "failed", error="x")
        store.questions.ask(Asked(distortions=("jpeg",), model="n"), author="ann")
        export_bundle(store, folder / "bundle.zip", ["curated"])
        yield store, folder / "bundle.zip"


def acts(store, bundle, who="ann"):
    """Every act of the store, by its name, such that an admin's would change something."""
    draft, runs, questions = store.draft, store.runs, store.questions
    first, second = draft.rows("jpeg")[:2]
    many = {first.id: first.row_version}
    at = {"based_on": first.row_version, "author": who}
    version = store.versions.list()[0]
    running = next(run for run in runs.list() if run.status == "running")
    failed = next(run for run in runs.list() if run.status == "failed")
    edit = next(e for e in store.record.events() if e.subject == f"attribute:{second.id}")
    other = AttributeSet.from_phrases({"jpeg": ["other words"]})
    result = a_result(version, CONFIG, noise=0.1)
    return {
        "DraftRepository.set_status": lambda: draft.set_status(first.id, "accepted", **at),
        "DraftRepository.set_status_of_many": lambda: draft.set_status_of_many(
            many, "rejected", author=who
        ),
        "AccessLog.add": lambda: store.access_log.add(HASH, run=1, purpose="p", author=who),
        "AccessLog.add_all": lambda: store.access_log.add_all(
            HASH, runs=[1], purpose="p", author=who
        ),
        "CallRepository.add": lambda: store.calls.add(a_call(reply="n")),
        "CallRepository.add_all": lambda: store.calls.add_all([a_call(reply="n")]),
        "CommentRepository.add": lambda: store.comments.add(
            first.attribute.identity, "why", author=who
        ),
        "DraftRepository.add": lambda: draft.add("jpeg", NEW, author=who),
        "DraftRepository.edit": lambda: draft.edit(first.id, "new words", **at),
        "DraftRepository.change_type": lambda: draft.change_type(many, "jpeg2000", author=who),
        "DraftRepository.remove_many": lambda: draft.remove_many(many, author=who),
        "DraftRepository.move": lambda: draft.move(first.id, 1, **at),
        "DraftRepository.remove": lambda: draft.remove(first.id, **at),
        "DraftRepository.replace": lambda: draft.replace(other, author=who),
        "DraftRepository.set_base": lambda: draft.set_base("draft", author=who),
        "DraftRepository.restore": lambda: draft.restore("draft", author=who, discard=True),
        "ProposalRepository.add_all": lambda: store.proposals.add_all(
            [make_proposal(second)], author=who
        ),
        "ProposalRepository.take": lambda: store.proposals.take([1], author=who),
        "ProposalRepository.reject": lambda: store.proposals.reject([1], author=who),
        "QuestionRepository.ask": lambda: questions.ask(
            Asked(distortions=("jpeg",), model="o"), author=who
        ),
        "QuestionRepository.again": lambda: questions.again(1),
        "QuestionRepository.take": lambda: questions.take(2, "w"),
        "QuestionRepository.beat": lambda: questions.beat(2, "w"),
        "QuestionRepository.report": lambda: questions.report(2, "w", {}),
        "QuestionRepository.end": lambda: questions.end(2, "cancelled"),
        "QuestionRepository.forget": lambda: questions.forget(1),
        "RecipeRepository.add": lambda: store.recipes.add(
            VEIL.model_copy(update={"id": "fog", "name": "Fog"}), author=who
        ),
        "RecipeRepository.remove": lambda: store.recipes.remove("veil", author=who),
        "RecordRepository.undo": lambda: store.record.undo(edit.id, author=who),
        "RecordRepository.undo_change": lambda: store.record.undo_change(edit.change, author=who),
        "RunRepository.adopt": lambda: runs.adopt(running.id, running.claim, "w"),
        "RunRepository.cancel": lambda: runs.cancel(running.id),
        "RunRepository.claim": lambda: runs.claim("w"),
        "RunRepository.enqueue": lambda: runs.enqueue(version.hash, CONFIG),
        "RunRepository.fail": lambda: runs.fail(running.id, "x"),
        "RunRepository.finish": lambda: runs.finish(running.id, result),
        "RunRepository.report": lambda: runs.report(running.id, 0.5, "x"),
        "RunRepository.requeue": lambda: runs.requeue(failed.id),
        "RunRepository.stop": lambda: runs.stop(running.id, "interrupted"),
        "RunRepository.submit": lambda: runs.submit([(version.hash, CONFIG)], again=True),
        "TraceRepository.add": lambda: store.traces.add(running.id, running.claim, ["line"]),
        "VersionRepository.freeze": lambda: store.versions.freeze(other, message="m", author=who),
        "VersionRepository.freeze_draft": lambda: store.versions.freeze_draft(
            message="m", author=who
        ),
        "VersionRepository.set_alias": lambda: store.versions.set_alias(
            "best", "draft", author=who
        ),
        "WorkerRepository.beat": lambda: runs.beat("w"),
        "WorkerRepository.give_up": lambda: runs.give_up(running.id, running.claim, "gone"),
        "WorkerRepository.leave": lambda: runs.leave("elsewhere:1"),
        "WorkerRepository.mark_interrupted": lambda: runs.mark_interrupted(),
        "import_bundle": lambda: import_bundle(store, bundle, author=who),
    }


# What is kept of a look: who sees test figures, and that a silent worker is taken for dead.
OF_A_LOOK = {"AccessLog.add", "AccessLog.add_all", "WorkerRepository.mark_interrupted"}
JUDGING = {
    "DraftRepository.restore", "DraftRepository.set_base", "DraftRepository.set_status",
    "DraftRepository.set_status_of_many", "VersionRepository.freeze",
    "VersionRepository.freeze_draft", "VersionRepository.set_alias", "import_bundle",
}  # fmt: skip


def content(store):
    """Every row of every table."""
    with store.database.reading() as session:
        connection = session.connection()
        return {
            name: sorted(map(repr, connection.execute(table.select())))
            for name, table in METADATA.tables.items()
        }


def refused(store, bundle, actor):
    """The acts that are refused to somebody, each of which must have left everything as it was."""
    told, before = {}, content(store)
    for name, act in acts(store.working_for(actor), bundle, actor.name).items():
        try:
            act()
        except RoleError as fault:
            told[name] = str(fault)
            assert content(store) == before, name
        except Exception:  # what an act before it has made impossible; roles are asked about first
            before = content(store)
        else:
            before = content(store)
    for line in told.values():
        assert " takes the role " in line
        assert f"{actor.name} is a" in line
        assert line.endswith("grants roles. Nothing was changed.")
        assert "\n" not in line
    return set(told)


def test_no_act_is_missing_here(full):
    assert set(acts_in_the_source()) == set(acts(*full)), "name the new act, with who may do it"


def test_a_viewer_changes_nothing_but_what_is_kept_of_a_look(full):
    store, bundle = full
    assert refused(store, bundle, Actor("eva", "viewer")) == set(acts(*full)) - OF_A_LOOK


def test_a_login_signs_with_its_own_name_alone(full):
    store, bundle = full
    before = content(store)
    eva = store.working_for(Actor("eva@lab.org", "admin", "login"))
    signed = {name: act for name, act in acts(eva, bundle, "bob").items() if name not in UNSIGNED}
    for name, act in signed.items():
        with pytest.raises(RoleError, match="You are logged in as eva"):
            act()
        assert content(store) == before, name


# Queue, questions and calls say themselves whose they are, or are a worker's.
UNSIGNED = {
    "CallRepository.add", "CallRepository.add_all", "QuestionRepository.again",
    "QuestionRepository.take", "QuestionRepository.beat", "QuestionRepository.report",
    "QuestionRepository.end", "QuestionRepository.forget", "RunRepository.adopt",
    "RunRepository.cancel", "RunRepository.claim",
    "RunRepository.enqueue", "RunRepository.fail", "RunRepository.finish", "RunRepository.report",
    "RunRepository.requeue", "RunRepository.stop", "RunRepository.submit", "TraceRepository.add",
    "WorkerRepository.beat", "WorkerRepository.give_up",
    "WorkerRepository.leave", "WorkerRepository.mark_interrupted",
}  # fmt: skip


def test_no_detour_lets_an_editor_judge(store):
    ed, rita = (store.working_for(Actor(name, name)) for name in ("editor", "reviewer"))
    row = ed.draft.add("jpeg", Attribute(phrase="blocky edges"), author="ed")
    judged = Attribute(phrase="grid", status="accepted", decided_by="ed")
    for detour in (
        lambda: ed.draft.add("jpeg", judged, author="ed"),
        lambda: ed.draft.replace(AttributeSet(by_distortion={"jpeg": (judged,)}), author="ed"),
    ):
        with pytest.raises(RoleError, match="To judge an attribute takes the role reviewer"):
            detour()
    row = rita.draft.set_status(row.id, "accepted", based_on=row.row_version, author="rita")
    with pytest.raises(RoleError):
        ed.record.undo(store.record.events()[0].id, author="ed")
    ed.draft.remove(row.id, based_on=row.row_version, author="ed")
    ed.record.undo(store.record.events()[0].id, author="ed")  # as it was judged by a reviewer
    assert [r.attribute.status for r in store.draft.rows()] == ["accepted"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_rights_of_those_before_it(role):
    may = [Actor("eva", role).may(needs) for needs in ROLES]
    assert may == sorted(may, reverse=True)
    assert sum(may) == ROLES.index(role) + 1


def test_an_editor_judges_nothing_and_freezes_nothing(full):  # the last: it changes the store
    store, bundle = full
    assert refused(store, bundle, Actor("ed", "editor")) == JUDGING


def acts_in_the_source():
    """Every public function of the store in which a transaction that writes is begun."""
    for file in Path(workbench.store.__file__).parent.rglob("*.py"):
        module = ast.parse(file.read_text())
        for owner in [module, *(n for n in module.body if isinstance(n, ast.ClassDef))]:
            functions = {n.name: n for n in owner.body if isinstance(n, ast.FunctionDef)}
            writers = {name for name, node in functions.items() if "writing" in called(node)}
            while more := {n for n, f in functions.items() if writers & called(f)} - writers:
                writers |= more
            prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
            yield from (f"{prefix}{name}" for name in writers if not name.startswith("_"))


def called(node):
    """What a function calls of itself, and "writing" of any database."""
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    methods = [call for call in calls if isinstance(call, ast.Attribute)]
    own = {m.attr for m in methods if isinstance(m.value, ast.Name) and m.value.id == "self"}
    return own | {"writing" for m in methods if m.attr == "writing"}
