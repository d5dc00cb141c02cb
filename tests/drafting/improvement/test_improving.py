"""From the draft to proposals, with a real server that answers from a fixed pool of sentences."""

import json

import pytest

from tests.databases import fresh_database
from tests.drafting.behaviours import fails, lists, says
from workbench.domain.objective import DEFAULT_OBJECTIVE, objective_of
from workbench.drafting.draft_attributes import DraftOptions
from workbench.drafting.improvement.exchange import pareto_front
from workbench.drafting.improvement.search import Budget
from workbench.errors import ConfigError, LLMRequestError
from workbench.store import open_store
from workbench.workflow.drafting import draft_distortion
from workbench.workflow.improve import ImproveOptions, first_prompts, improve_draft
from workbench.workflow.template_figures import template_figures

from .conftest import GOOD, PLANTED, POOL, planted

NAMES = {"gaussian_blur": "Gaussian blur:", "jpeg": "JPEG:", "white_noise": "White noise:"}


def from_pool(handler):
    """List what the pool has for the type that the question is about."""
    asked = handler.body["messages"][-1]["content"]
    distortion = next(d for d, name in NAMES.items() if asked.startswith(name))
    lists(*POOL[distortion])(handler)


def from_pool_of_another_type(handler):
    """List what the pool has for another type than the question is about."""
    asked = handler.body["messages"][-1]["content"]
    lists(*POOL["gaussian_blur" if "JPEG:" in asked else "jpeg"])(handler)


@pytest.fixture
def store(tmp_path):
    with open_store(fresh_database(tmp_path / "store.sqlite")) as store:
        store.draft.replace(planted(), author="ann")
        yield store


@pytest.fixture
def improve(store, encoder, folder, cache, text):
    def run(model, *, store=store, ids=(), budget=None, progress=None, **options):
        options = ImproveOptions(photographs=str(folder), **{"rounds": 1, **options})
        return improve_draft(
            store, ids, model, encoder, options, budget=budget or Budget(), cache=cache,
            author="bob", progress=progress or (lambda share, what: None), text=text,
        )  # fmt: skip

    return run


def words(result):
    return [(p.distortion, p.old, p.new) for p in result.proposals]


def test_proposals_stand_beside_the_sentences_and_nothing_is_replaced(store, ask, improve):
    before = store.draft.rows()
    result = improve(ask(from_pool))
    assert store.draft.rows() == before
    assert {p.old for p in result.proposals} == set(PLANTED.values())
    assert store.proposals.list("open") == list(result.proposals)
    assert result.calls == 3
    for proposal in result.proposals:
        assert proposal.after.score > proposal.before.score
        assert proposal.validation_gain > 0
        assert proposal.facts.tried == 15
        assert (proposal.facts.search, proposal.facts.validation) == (3, 1)
        call = store.calls.get(proposal.call_id)
        assert call.distortion == proposal.distortion
        assert proposal.new in call.reply
        assert call.request.template == "few_shot"  # the first question
        assert proposal.facts.weights == DEFAULT_OBJECTIVE.weights()
        assert proposal.facts.template == "few_shot"
        assert proposal.before.quality is None


def test_drafting_anew_and_the_evidence_take_turns(store, ask, improve):
    junk = [f"paid invoice number {n} of the tax office" for n in range(5)]
    improve(ask(lists(*junk)), ids=["jpeg"], rounds=3)
    calls = sorted(store.calls.list(), key=lambda call: call.id)
    assert [call.request.template for call in calls] == ["few_shot", "improve", "few_shot"]
    fresh, told, anew = (call.request.messages[-1]["content"] for call in calls)
    assert PLANTED["jpeg", 1] in told
    assert junk[0] in told  # what was tried
    assert anew == fresh


def test_quality_counts_where_there_are_scores_and_the_front_can_be_chosen_from(
    store, ask, improve
):
    objective = objective_of("quality=.5", scored=True)
    result = improve(ask(from_pool), objective=objective, scores="haarpsi")
    proposal = next(each for each in result.proposals if each.others)
    assert "0.5 quality" in proposal.facts.objective
    assert proposal.facts.scores == "haarpsi"
    assert proposal.after.quality >= 0
    assert proposal.before.quality >= 0
    points = [proposal.after, *(other.figures for other in proposal.others)]
    assert len(pareto_front(dict(enumerate(points)))) == len(points)
    assert all(other.validation_gain > 0 for other in proposal.others)
    (now,) = store.proposals.take([proposal.id], author="eva", other=1)
    assert (now.attribute.phrase, now.attribute.origin) == (proposal.others[0].new, "improved")


def test_what_is_taken_is_improved_and_its_version_has_the_parent(store, ask, improve):
    base = store.versions.freeze(store.draft.attribute_set(), message="draft", author="ann")
    store.draft.set_base(base.hash, author="ann")
    result = improve(ask(from_pool))
    store.proposals.take([p.id for p in result.proposals], author="eva")
    taken = [r.attribute for r in store.draft.rows() if r.attribute.origin == "improved"]
    assert {a.phrase for a in taken} == {p.new for p in result.proposals}
    version = store.versions.freeze(
        store.draft.attribute_set(), message="improved", author="eva", parent=store.draft.base()
    )
    assert version.parent == base.hash


def test_a_second_run_asks_nothing_twice_and_proposes_the_same(scripted, ask, improve):
    model = ask(from_pool)
    first, asked = improve(model), len(scripted.received)
    second = improve(model)
    assert second.proposals == first.proposals
    assert len(scripted.received) == asked


@pytest.mark.parametrize("killed_at", [1, 2])
def test_broken_off_at_any_call_it_resumes_to_the_same_proposals(
    store, scripted, ask, improve, tmp_path, killed_at
):
    model = ask(from_pool)
    with open_store(fresh_database(tmp_path / "undisturbed.sqlite")) as other:
        other.draft.replace(planted(), author="ann")
        undisturbed = words(improve(model, store=other))
    count = len(scripted.received)

    def kill(_share, _what):
        if len(scripted.received) == count + killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        improve(model, progress=kill)
    assert store.proposals.list() == []
    assert words(improve(model)) == undisturbed
    assert len(scripted.received) == 2 * count


@pytest.mark.parametrize("junk", [says("Sorry, I cannot do that."), says("")])
def test_a_model_that_says_nothing_useful_changes_nothing(store, ask, improve, junk):
    before = store.draft.rows()
    result = improve(ask(junk), budget=Budget(calls=4))
    assert (result.proposals, result.tried) == ((), 0)
    assert result.calls <= 4
    assert (store.draft.rows(), store.proposals.list()) == (before, [])


def test_no_more_calls_are_made_than_allowed(scripted, ask, improve):
    result = improve(ask(from_pool), budget=Budget(calls=2), rounds=5)
    assert len(scripted.received) == result.calls == 2


def test_no_more_is_spent_than_allowed_but_for_the_last_call(scripted, ask, improve):
    model = ask(from_pool, price=(1e6, 0.0))  # 7 tokens of a prompt: 7 dollars
    result = improve(model, budget=Budget(cost_usd=10), rounds=5)
    assert (len(scripted.received), result.cost_usd) == (2, 14)


def test_a_server_that_fails_is_reported(store, ask, improve):
    with pytest.raises(LLMRequestError, match="refused the key"):
        improve(ask(fails(401)))
    assert store.proposals.list() == []


def test_a_type_that_the_draft_lacks_is_named(ask, improve):
    with pytest.raises(ConfigError, match="no attributes of pixelate to improve"):
        improve(ask(from_pool), ids=["pixelate"])


def test_the_first_prompts_are_shown_and_nobody_is_asked(store, encoder, folder, cache, text):
    options = ImproveOptions(photographs=str(folder))
    prompts = first_prompts(
        store, ["jpeg"], encoder, options, cache=cache, text=text,
        progress=lambda share, what: None,
    )  # fmt: skip
    assert list(prompts) == ["jpeg"]
    assert PLANTED["jpeg", 1] in prompts["jpeg"].evidence[-1]["content"]
    assert prompts["jpeg"].drafting[-1]["content"].startswith("JPEG:")
    assert PLANTED["jpeg", 1] not in str(prompts["jpeg"].drafting)
    assert store.calls.count() == 0


def test_templates_are_compared_by_what_the_log_holds(store, ask, encoder, folder, cache):
    for template, answer in (("few_shot", from_pool), ("paper", from_pool_of_another_type)):
        model = ask(answer)
        for d in NAMES if template == "few_shot" else ("jpeg", "white_noise"):
            draft_distortion(store, d, model, DraftOptions(template=template))
            draft_distortion(store, d, model, DraftOptions(template=template, seed=1))  # the same
    options = ImproveOptions(photographs=str(folder))
    first, second = template_figures(
        store, (), encoder, options, against="few_shot", cache=cache,
        progress=lambda share, what: None,
    )  # fmt: skip
    assert (first.template, first.types, first.replies, first.sentences) == ("few_shot", 3, 3, 15)
    assert (second.template, second.types, second.common) == ("paper", 2, 2)
    assert first.ahead is None
    assert second.ahead.mean < 0
    assert first.figures["faultless"].mean > second.figures["faultless"].mean
    score = first.figures["score"]
    assert score.low < score.mean < score.high
    with pytest.raises(ConfigError, match="no replies that can be measured"):
        template_figures(
            store, ["pixelate"], encoder, options, against="few_shot", cache=cache,
            progress=lambda share, what: None,
        )  # fmt: skip


def test_the_commands_do_the_same(workbench, scripted, store, folder, cache, monkeypatch, tmp_path):
    scripted.behaviours = [from_pool]
    for name, value in {
        "WORKBENCH_HOME": tmp_path, "WORKBENCH_DB": store.url, "WORKBENCH_AUTHOR": "eva",
        "WORKBENCH_CACHE": cache, "OPENAI_API_KEY": "sk-secret", "OPENAI_BASE_URL": scripted.url,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    options = ("--photographs", folder, "--encoder", "offline", "--json")
    status, out, _ = workbench("improve", "jpeg", "--rounds", 1, *options)
    (proposal,) = json.loads(out)
    assert (status, proposal["old"]) == (0, PLANTED["jpeg", 1])
    assert {"distortion", "old", "new", "reason", "before", "after", "call_id"} <= set(proposal)
    assert json.loads(workbench("proposals", "list", "--json")[1]) == [proposal]
    status, out, _ = workbench("proposals", "take", proposal["id"], "--json")
    assert [(r["phrase"], r["origin"]) for r in json.loads(out)] == [(proposal["new"], "improved")]
    status, _, err = workbench("proposals", "reject", proposal["id"])
    assert (status, "was taken by eva already" in err) == (1, True)
    status, _, err = workbench("improve", "jpeg", "--cost", 1, *options)
    assert (status, "is not known, so --cost cannot be kept to" in err) == (1, True)
    status, out, _ = workbench("calls", "templates", *options)
    (row,) = json.loads(out)
    assert (row["template"], row["sentences"]) == ("few_shot", 5)
    assert row["figures"]["score"]["mean"] > 0
    status, out, _ = workbench(
        "improve", "white_noise", "--dry-run", "--weights", "dead=0", *options
    )
    (asked,) = json.loads(out)
    assert asked["objective"] == "0.4 AUC + 0.3 SRCC + 0.3 specificity - 0.2 redundancy"
    status, _, err = workbench("improve", "jpeg", "--scores", "mos", *options)
    assert (status, "Unknown full-reference metric 'mos'" in err) == (1, True)
    assert GOOD["jpeg"][0] in store.draft.attribute_set().phrases()["jpeg"]
