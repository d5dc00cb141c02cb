"""Attribute sets and edits of them, as people make them, for property tests."""

from hypothesis import strategies as st

from workbench.domain.attributes import Attribute, AttributeSet, birth_identity

DISTORTIONS = ("blur", "jpeg")
PHRASES = ("haze", "veil of haze", "tiles", "square tiles", "rings", "specks", "Haze", "smears")
STATUSES = ("proposed", "accepted", "needs work")


def attribute(phrase, *, born_as=None, distortion="jpeg", **more):
    """Return an attribute with the identity of an earlier wording."""
    return Attribute(phrase=phrase, identity=birth_identity(distortion, born_as or phrase), **more)


@st.composite
def sets(draw):
    """A set whose attributes were born with their words."""
    phrases = st.lists(st.sampled_from(PHRASES), unique_by=str.casefold, max_size=4)
    return AttributeSet.from_phrases({name: draw(phrases) for name in DISTORTIONS})


@st.composite
def edited(draw, some):
    """What a few edits make of a set: add, remove, reword, decide, move, reorder."""
    rows = [(name, a) for name, attributes in some.by_distortion.items() for a in attributes]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["add", "remove", "reword", "decide", "move", "reorder"]))
        if kind == "add" or not rows:
            rows.append((draw(st.sampled_from(DISTORTIONS)), _new(draw)))
            continue
        place = draw(st.integers(0, len(rows) - 1))
        name, attribute = rows.pop(place)
        if kind == "reword":
            words = {"phrase": draw(st.sampled_from(PHRASES)), "origin": "expert"}
            attribute = attribute.model_copy(update=words)
        elif kind == "decide":
            status = {"status": draw(st.sampled_from(STATUSES)), "decided_by": "ann"}
            attribute = attribute.model_copy(update=status)
        elif kind == "move":
            name = draw(st.sampled_from(DISTORTIONS))
        if kind != "remove":
            place = draw(st.integers(0, len(rows))) if kind == "reorder" else place
            rows.insert(place, (name, attribute))
    return _valid(rows)


def _new(draw):
    identity = draw(st.integers(0, 2**128 - 1).map("{:032x}".format))
    return Attribute(phrase=draw(st.sampled_from(PHRASES)), identity=identity)


def _valid(rows):
    """Return the set of the rows, without those that repeat another's words or identity."""
    words, identities, kept = set(), set(), {}
    for name, attribute in rows:
        key = name, attribute.phrase.casefold()
        if key not in words and attribute.identity not in identities:
            words.add(key)
            identities.add(attribute.identity)
            kept.setdefault(name, []).append(attribute)
    return AttributeSet(by_distortion={name: tuple(some) for name, some in kept.items()})
