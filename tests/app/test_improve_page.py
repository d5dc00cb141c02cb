"""The page Improve with evidence: what is proposed is seen, taken, reworded or rejected."""

import pytest

from tests.factories import make_proposal
from workbench.domain.attributes import Attribute
from workbench.domain.proposal import OtherSentence

pytestmark = pytest.mark.slow


@pytest.fixture
def row(store):
    return store.draft.add("jpeg", Attribute(phrase="blocky *edges*", origin="llm"), author="ann")


@pytest.fixture
def proposal(store, row):
    (kept,) = store.proposals.add_all([make_proposal(row)], author="bob")
    return kept


def button(shown, label):
    return next(b for b in shown.button if b.label == label)


def field(shown, label):
    return next(f for f in shown.text_input if f.label == label)


def bodies(shown):
    return "".join(element.proto.body for element in shown.get("html"))


def test_a_draft_with_nothing_to_measure_leads_to_where_it_is_written(page, store):
    shown = page("improve")
    assert "no attributes that can be measured" in shown.info[0].value
    assert "None is open." in [c.value for c in shown.caption]
    assert not shown.button or "Seek" not in shown.button[0].label


def test_a_proposal_is_shown_with_what_was_measured_of_both(page, proposal):
    shown = page("improve")
    assert shown.subheader[0].value == "JPEG\\: tiles with hard borders"
    assert "blocky \\*edges\\*" in shown.markdown[0].value
    assert "wins 20% of the pairs" in shown.markdown[0].value
    table = bodies(shown)
    assert "Measured on 5 photographs" in table
    for word in ("Specificity", ".20", ".90", "Gaussian blur", "1, 2"):
        assert word in table
    (facts,) = [c.value for c in shown.caption if "rises by" in c.value]
    assert "2 other photographs" in facts
    assert "12 sentences that bob had tried" in facts
    assert len(shown.get("vega_lite_chart")) == 1


def test_taking_one_puts_it_into_the_draft_under_the_name_of_who_did(page, store, row, proposal):
    shown = button(page("improve"), "Take").click().run()
    assert "stands in the draft now" in shown.success[0].value
    (now,) = store.draft.rows("jpeg")
    assert (now.attribute.phrase, now.attribute.origin, now.updated_by) == (
        "tiles with hard borders", "improved", "eva",
    )  # fmt: skip
    assert not [b for b in shown.button if b.label == "Take"]
    assert "taken" in bodies(shown)
    button(shown, "Undo").click().run()
    assert store.draft.rows("jpeg")[0].attribute == row.attribute


def test_another_sentence_of_the_front_is_compared_and_taken(page, store, row):
    made = make_proposal(row)
    figures = made.after.model_copy(update={"auc": 0.81, "specificity": 0.97})
    other = OtherSentence(new="square tiles", figures=figures, validation_gain=0.25)
    store.proposals.add_all([made.model_copy(update={"others": (other,)})], author="bob")
    shown = page("improve")
    (choice,) = [box for box in shown.selectbox if box.label == "Sentence to take"]
    assert choice.options == ["tiles with hard borders (proposed)", "square tiles"]
    assert ".97" in bodies(shown)  # the table of the front
    shown = choice.set_value(1).run()
    assert field(shown, "Words").value == "square tiles"
    assert "25" in next(c.value for c in shown.caption if "rises by" in c.value)
    button(shown, "Take").click().run()
    (now,) = store.draft.rows("jpeg")
    assert (now.attribute.phrase, now.attribute.origin) == ("square tiles", "improved")


def test_what_counts_is_stated_and_weights_go_to_the_command(page, row, monkeypatch):
    started = []
    monkeypatch.setattr(
        "workbench.app.background_jobs.start_job", lambda *asked: started.append(asked[3])
    )
    shown = page("improve")
    usual = "Maximised: 0.4 AUC + 0.3 SRCC + 0.3 specificity - 0.2 redundancy - 0.1 dead levels."
    assert usual in [caption.value for caption in shown.caption]
    next(b for b in shown.selectbox if b.label.startswith("Quality")).set_value("haarpsi").run()
    next(n for n in shown.number_input if n.label == "Strength").set_value(0.6).run()
    assert any("0.6 SRCC + 0.3 specificity + 0.3 quality" in c.value for c in shown.caption)
    button(shown, "Seek better sentences").click().run()
    assert started[0][:9] == [
        "improve", "--rounds", "2", "--seed", "0", "--weights", "strength=0.6", "--scores",
        "haarpsi",
    ]  # fmt: skip


def test_one_is_taken_in_ones_own_words_and_a_reason_is_kept(page, store, proposal):
    shown = page("improve")
    field(shown, "Words").set_value("tiles with sharp borders")
    field(shown, "Why").set_value("plainer")
    button(shown, "Take").click().run()
    (now,) = store.draft.rows("jpeg")
    assert (now.attribute.phrase, now.attribute.origin) == ("tiles with sharp borders", "expert")
    assert store.proposals.list("taken")[0].note == "plainer"


def test_one_is_rejected_with_a_reason_and_the_draft_stays(page, store, row, proposal):
    shown = page("improve")
    field(shown, "Why").set_value("says less")
    shown = button(shown, "Reject").click().run()
    assert store.draft.rows("jpeg") == [row]
    (rejected,) = store.proposals.list("rejected")
    assert (rejected.decided_by, rejected.note) == ("eva", "says less")
    assert "says less" in bodies(shown)


def test_words_that_cannot_be_used_change_nothing_and_are_said_plainly(page, store, row, proposal):
    shown = page("improve")
    field(shown, "Words").set_value("  ")
    shown = button(shown, "Take").click().run()
    assert "cannot be used" in shown.error[0].value
    assert store.draft.rows("jpeg") == [row]
    assert store.proposals.list("open") == [proposal]


def test_one_for_an_attribute_that_has_changed_can_only_be_rejected(page, store, row, proposal):
    store.draft.edit(row.id, "square tiles", based_on=row.row_version, author="ann")
    shown = page("improve")
    assert "ann has changed the attribute since, to 'square tiles'" in shown.warning[0].value
    assert button(shown, "Take").disabled
    assert not button(shown, "Reject").disabled


def test_types_narrow_down_what_is_shown(page, store, proposal):
    store.draft.add("pixelate", Attribute(phrase="coarse mosaic"), author="ann")
    shown = page("improve", types="Pixelate")
    assert not shown.subheader
    assert "None is open for these types. 1 proposal for other types." in [
        c.value for c in shown.caption
    ]


def test_a_search_is_started_as_the_command_with_what_was_chosen(page, row, monkeypatch):
    started = []
    monkeypatch.setattr(
        "workbench.app.background_jobs.start_job", lambda *asked: started.append(asked[2:])
    )
    shown = page("improve")
    next(n for n in shown.number_input if n.label == "Most calls").set_value(7)
    next(n for n in shown.number_input if n.label == "Rounds").set_value(3)
    shown.multiselect[0].select("jpeg")
    button(shown, "Seek better sentences").click().run()
    assert started == [
        (
            "Search for JPEG",
            ["improve", "--rounds", "3", "--seed", "0", "--calls", "7", "--", "jpeg"],
        )
    ]
