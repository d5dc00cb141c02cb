import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.edited_sets import attribute, edited, sets
from workbench.domain.attributes import AttributeSet
from workbench.domain.merging import merge
from workbench.errors import ConfigError

HAZE = attribute("haze")
TILES = attribute("tiles")


def jpeg(*attributes):
    return AttributeSet(by_distortion={"jpeg": attributes})


def now(old, **changed):
    return old.model_copy(update=changed)


def phrases(some):
    """Phrases as they are compared, in no order."""
    return {(d, p.casefold()) for d, some in some.phrases().items() for p in some}


@st.composite
def three_ways(draw):
    base = draw(sets())
    return base, draw(edited(base)), draw(edited(base))


@settings(deadline=None)
@given(three_ways())
def test_what_one_side_left_alone_becomes_what_the_other_made_of_it(ways):
    base, one, _ = ways
    for ours, theirs in ((one, base), (base, one), (one, one)):
        merged = merge(base, ours, theirs)
        assert (merged.attributes, merged.conflicts) == (one, ())


@settings(deadline=None)
@given(three_ways())
def test_the_sides_may_be_exchanged(ways):
    base, ours, theirs = ways
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert len(one.conflicts) == len(other.conflicts)
    if one.attributes:
        assert phrases(one.attributes) == phrases(other.attributes)


@settings(max_examples=300, deadline=None)
@given(three_ways(), st.sampled_from(["ours", "theirs"]))
def test_nothing_is_lost_that_nobody_removed(ways, side):
    base, ours, theirs = ways
    merged = merge(base, ours, theirs, prefer=side)
    assert merged.conflicts == ()
    held, mine, yours = (
        {a.identity: a.phrase for some in one.by_distortion.values() for a in some}
        for one in (base, ours, theirs)
    )
    words = {phrase for _, phrase in phrases(merged.attributes)}
    kept = {a.identity for some in merged.attributes.by_distortion.values() for a in some}
    for identity in {*mine, *yours}:
        everywhere = identity in mine and identity in yours
        if everywhere or identity not in held:
            wordings = {s[identity].casefold() for s in (mine, yours) if identity in s}
            assert identity in kept or wordings & words  # its words stand there under another


@settings(deadline=None)
@given(three_ways(), st.sampled_from(["ours", "theirs"]))
def test_every_conflict_can_be_resolved_by_its_id(ways, side):
    resolve = {}
    while (merged := merge(*ways, resolve=resolve)).conflicts:
        assert merged.attributes is None
        resolve |= {conflict.id: side for conflict in merged.conflicts}
    assert merged.attributes == merge(*ways, prefer=side).attributes


@settings(deadline=None)
@given(three_ways())
def test_every_change_says_whose_it_was(ways):
    base, ours, theirs = ways
    assert not merge(base, base, base).taken
    assert {taken.side for taken in merge(base, ours, base).taken} <= {"ours"}
    assert {taken.side for taken in merge(base, base, theirs).taken} <= {"theirs"}
    assert {taken.side for taken in merge(base, ours, ours).taken} <= {"both"}


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "detail"),
    [
        (now(HAZE, phrase="thin haze"), now(HAZE, phrase="thick haze"), "both reworded", ""),
        (now(HAZE, phrase="veil"), None, "reworded here, removed there", ""),
        (None, now(HAZE, phrase="veil"), "removed here, reworded there", ""),
        (now(HAZE, status="accepted"), None, "accepted here, removed there", ""),
        (
            now(HAZE, phrase="veil"),
            now(HAZE, status="rejected"),
            "reworded here, removed there",
            "",
        ),
        (
            now(HAZE, status="accepted"),
            now(HAZE, status="rejected"),
            "decided differently",
            "accepted here, rejected there",
        ),
    ],
)
def test_a_contradiction_has_a_name_and_either_side_resolves_it(ours, theirs, kind, detail):
    sides = [jpeg(*([one] if one else []), TILES) for one in (HAZE, ours, theirs)]
    (conflict,) = merge(*sides).conflicts
    assert (conflict.kind, conflict.detail) == (kind, detail)
    assert (conflict.distortion, conflict.identity, conflict.base) == (
        "jpeg", HAZE.identity, "haze",
    )  # fmt: skip
    for side, wanted in (("ours", sides[1]), ("theirs", sides[2])):
        assert merge(*sides, resolve={HAZE.identity[:6]: side}).attributes == wanted


def test_an_attribute_moved_apart_can_stay_in_both_places():
    base, ours, theirs = (AttributeSet(by_distortion={d: (HAZE,)}) for d in ("jpeg", "blur", "fog"))
    (conflict,) = merge(base, ours, theirs).conflicts
    assert (conflict.kind, conflict.detail) == ("moved apart", "blur here, fog there")
    both = merge(base, ours, theirs, resolve={conflict.id: "both"}).attributes
    assert both.phrases() == {"blur": ("haze",), "fog": ("haze",)}


def test_both_wordings_can_stay_beside_each_other():
    ours, theirs = now(HAZE, phrase="thin haze"), now(HAZE, phrase="thick haze")
    merged = merge(
        jpeg(HAZE, TILES), jpeg(ours, TILES), jpeg(theirs, TILES), resolve={HAZE.identity: "both"}
    )
    assert merged.attributes.phrases() == {"jpeg": ("thin haze", "thick haze", "tiles")}
    assert merged.attributes.by_distortion["jpeg"][0].identity == HAZE.identity


def test_what_both_added_in_the_same_words_is_one_attribute():
    ours, theirs = (attribute("Rings", born_as=name) for name in ("ours", "theirs"))
    theirs = now(theirs, phrase="rings", status="accepted", decided_by="bob", origin="llm")
    merged = merge(jpeg(HAZE), jpeg(HAZE, ours), jpeg(HAZE, theirs))
    assert merged.attributes == jpeg(HAZE, now(ours, status="accepted", decided_by="bob"))
    assert [(some.side, some.change) for some in merged.taken] == [("both", "added")]


def test_two_attributes_that_end_with_the_same_words_are_a_conflict():
    base = jpeg(HAZE, TILES)
    ours, theirs = jpeg(now(HAZE, phrase="marks"), TILES), jpeg(HAZE, now(TILES, phrase="Marks"))
    (conflict,) = merge(base, ours, theirs).conflicts
    assert conflict.kind == "same words"
    assert conflict.id == f"{HAZE.identity}+{TILES.identity}"
    assert conflict.detail == "'haze' and 'tiles' before"
    chosen = merge(base, ours, theirs, resolve={conflict.id: "theirs"}).attributes
    assert chosen == jpeg(now(TILES, phrase="Marks"))


def test_a_decision_and_a_rewording_both_hold():
    ours, theirs = now(HAZE, phrase="veil"), now(HAZE, status="accepted", decided_by="bob")
    merged = merge(jpeg(HAZE), jpeg(ours), jpeg(theirs))
    assert merged.attributes == jpeg(now(ours, status="accepted", decided_by="bob"))
    assert {(t.side, t.change) for t in merged.taken} == {
        ("ours", "reworded"),
        ("theirs", "decided"),
    }


def test_where_both_changed_the_order_ours_holds_and_theirs_joins_it():
    a, b, c, x = (attribute(name) for name in ("aa", "bb", "cc", "xx"))
    merged = merge(jpeg(a, b, c), jpeg(c, a, b), jpeg(b, x, a, c))
    assert merged.attributes == jpeg(c, a, b, x)
    assert [some.side for some in merged.taken if some.change == "reordered"] == ["ours"]


@pytest.mark.parametrize(
    ("resolve", "words"),
    [
        ({"abcd": "ours"}, "'abcd' names no conflict of this merge"),
        ({HAZE.identity[:3]: "ours"}, "names no conflict"),
        ({HAZE.identity[:8]: "both"}, "cannot be resolved by 'both'; use ours or theirs"),
    ],
)
def test_an_answer_that_fits_no_conflict_is_refused(resolve, words):
    with pytest.raises(ConfigError, match=words):
        merge(
            jpeg(HAZE, TILES), jpeg(now(HAZE, phrase="veil"), TILES), jpeg(TILES), resolve=resolve
        )


def test_an_answer_that_fits_two_conflicts_is_refused():
    one, other = (now(HAZE, phrase=p, identity=f"{n:032x}") for n, p in enumerate(["aa", "bb"]))
    accepted = [now(some, status="accepted") for some in (one, other)]
    with pytest.raises(ConfigError, match="'00000' names 2 conflicts; give more digits"):
        merge(jpeg(one, other), jpeg(*accepted), jpeg(), resolve={"00000": "ours"})


def test_ten_thousand_attributes_are_merged():
    names = {f"d{d}": [f"mark {d} {n}" for n in range(400)] for d in range(25)}
    base = AttributeSet.from_phrases(names)
    ours = AttributeSet.from_phrases({d: some[:-1] for d, some in names.items()})
    theirs = AttributeSet.from_phrases({d: [*some, "more"] for d, some in names.items()})
    merged = merge(base, ours, theirs)
    assert (merged.attributes.size, len(merged.taken)) == (10_000, 50)
