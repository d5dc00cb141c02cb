"""Attribute sets that try a text form's patience."""

from hypothesis import strategies as st

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.store.text.attribute_document import FORMAT

ANY = st.characters(exclude_categories=["Cs"])
TRICKY = st.text(st.sampled_from("=+-@＝＠,;'\" \t\r\na\x85\u2028"), max_size=8)
WORDS = st.one_of(
    st.sampled_from(
        ["yes", "null", "~", "1e3", "0x1F", "2020-01-01", "- x", "? x", "# x", "a: b", "a #b",
         "&a", "*a", "!t", "%d", "@x", "`x", "{a}", "[a]", "|", ">", "<<", "=1+1", "+x", "-1",
         "＝x", "a;b", 'a"b', "a;=1", 'a;"=1', "🙂 haze", "שלום רעש", "e\u0301dge", "a\u0000b",
         "a\x7fb\x80", "\ufeffx", "\uffff", "line\nbreak", "a\u2029b", "\U0010ffff"]
    ),
    TRICKY,
    st.text(ANY, max_size=12),
)  # fmt: skip
CALLS = {number: f"{number:064x}" for number in range(1, 4)}
NUMBERS = {digest: number for number, digest in CALLS.items()}


@st.composite
def attributes(draw):
    """An attribute as the domain takes it, or None for words that are none."""
    try:
        return Attribute(
            phrase=draw(WORDS),
            origin=draw(st.sampled_from(["llm", "curated", "expert", "import"])),
            call_id=draw(st.none() | st.sampled_from(list(CALLS))),
            status=draw(st.sampled_from(["proposed", "accepted", "needs work", "rejected"])),
            identity=draw(st.none() | st.uuids().map(lambda made: made.hex)),
            decided_by=draw(st.none() | WORDS),
        )
    except ValueError:
        return None


@st.composite
def attribute_sets(draw):
    """A set of up to three distortions, of any names, and up to four attributes each."""
    distortions = draw(st.lists(WORDS.filter(str.strip), max_size=3, unique=True))
    by_distortion, taken = {}, set()
    for distortion in distortions:
        by_words = {}
        for attribute in filter(None, draw(st.lists(attributes(), max_size=4))):
            if attribute.identity not in taken:
                by_words.setdefault(attribute.phrase.casefold(), attribute)
                taken.add(attribute.identity or "")
        by_distortion[distortion] = tuple(by_words.values())
    return AttributeSet(by_distortion=by_distortion)


def json_document(**distortions):
    """A JSON document of these distortions, as Python has it."""
    return {"format": FORMAT, "distortions": distortions}
