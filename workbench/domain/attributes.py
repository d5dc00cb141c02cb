"""Attributes, sets of them, and frozen versions: the instrument that the workbench calibrates."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import count
from typing import Literal

from pydantic import Field, field_validator

from workbench.domain.canonical import Frozen, content_hash

Origin = Literal["llm", "curated", "expert", "import", "improved"]
Form = Literal["yaml", "json", "csv"]  # of a set as text
Status = Literal["proposed", "accepted", "needs work", "rejected"]

MAX_PHRASE_LENGTH = 200  # characters; CLIP reads 77 tokens, a phrase needs a fraction of it

# A bullet may touch its phrase; a dash, star or number is a list mark only before a blank, for
# "-2 EV" and "1.5 px" are words.
_LIST_MARK = re.compile(
    r"^(?:[•‣⁃◦▪▫●○■□►▶➤·]|[-*+–—](?=\s)|(\*\*|__|)(?:#?\(?\d{1,3}[-.):]+|\[\d{1,3}\]|\(?[a-z]\))\1(?=\s))\s*",
    re.I,
)
_OPENING = re.compile(
    r"^(?:there (?:is|are)|it has|the (?:photo|image|picture) (?:has|shows))(?:\s+|$)", re.I
)
_ARTICLE = re.compile(r"^(?:a|an|the|some)(?:\s+|$)", re.I)
_CLOSING = re.compile(
    r"(?:^|\s+)(?:in|of|across|throughout) the (?:entire |overall |whole )?"
    r"(?:photo|image|picture)$",
    re.I,
)


# What can enclose a whole phrase: quotation marks of several languages, and Markdown's emphasis.
_QUOTES = ('""', "''", "``", "“”", "„“", "„”", "””", "‘’", "‚‘", "«»", "»«", "‹›", "「」", "『』")
_EMPHASIS = re.compile(r"^(\*{1,3}|_{1,3}|~~)(?![\s*_~])(?P<inner>.+)(?<![\s*_~])\1$")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")

# Unicode's default ignorable characters that are no format characters (category Cf).
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def normalise_phrase(text: str) -> str:
    """Return a sentence as the bare phrase that the polarity template can wrap.

    List marks, "There is a", "in the photo", the full stop and quotation or emphasis marks around
    the whole phrase go; invisible characters are dropped; blanks collapse; a leading capital goes
    unless the word is an abbreviation. Marks within the phrase, or without a partner, are its own.
    METHOD: LLM output opens and ends the way the template does, and would double it.

    Example:
        >>> normalise_phrase("1- There is a **softening** of details in the photo.")
        '**softening** of details'
        >>> normalise_phrase('  "JPEG-like   squares" ')
        'JPEG-like squares'
        >>> normalise_phrase('"blocky" edges')
        '"blocky" edges'
    """
    phrase = text if text.isascii() else unicodedata.normalize("NFC", _visible(text))
    while (bare := _stripped(phrase)) != phrase:  # until nothing is left to take off
        phrase = bare
    return phrase


def _visible(text: str) -> str:
    return "".join(c for c in _IGNORABLE.sub("", text) if unicodedata.category(c) != "Cf")


def _stripped(text: str) -> str:
    phrase = _unwrapped(_LIST_MARK.sub("", " ".join(text.split()))).rstrip(".!;,: ")
    phrase = _CLOSING.sub("", _ARTICLE.sub("", _OPENING.sub("", phrase)))
    if len(phrase) > 1 and phrase[0].isupper() and phrase[1].islower():
        phrase = phrase[0].lower() + phrase[1:]
    return unicodedata.normalize("NFC", phrase)


def _unwrapped(phrase: str) -> str:
    """Take off one pair of marks that encloses the whole phrase."""
    emphasis = _EMPHASIS.match(phrase)
    if emphasis and emphasis[1] not in emphasis["inner"]:
        return emphasis["inner"]
    inner, marks = phrase[1:-1], phrase[:1] + phrase[-1:]
    return inner if marks in _QUOTES and _balanced(inner, *marks) else phrase


def _balanced(inner: str, opening: str, closing: str) -> bool:
    """Whether marks around this text belong together: '"blocky" or "soft"' is two quotations."""
    depth = 0
    for character in _APOSTROPHE.sub("", inner):
        depth += (character == opening) or -(character == closing)
        if depth < 0:
            return False
    return depth == 0 and bool(inner.strip())


class Attribute(Frozen):
    """One visual attribute of one distortion.

    Attributes:
        phrase: The bare phrase ("softening of details").
        origin: Who wrote it.
        call_id: The LLM call that made it, if one did.
        status: Where it stands in review; rejected attributes are not frozen.
        identity: What it stays known by when its words change, 32 hexadecimal digits; an
            `AttributeSet` gives one to each attribute that has none.
        decided_by: Who gave it its status, once somebody has.
    """

    phrase: str = Field(min_length=1, max_length=MAX_PHRASE_LENGTH)
    origin: Origin = "expert"
    call_id: int | None = None
    status: Status = "proposed"
    identity: str | None = Field(None, pattern=r"^[0-9a-f]{32}$")
    decided_by: str | None = None

    @field_validator("phrase")
    @classmethod
    def _normalised(cls, phrase: str) -> str:
        bare = normalise_phrase(phrase)
        if not bare:
            raise ValueError("an attribute needs words, not only 'there is'")
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in bare):
            raise ValueError("an attribute holds no control characters")
        if len(bare) > MAX_PHRASE_LENGTH:  # normal form can lengthen a text
            raise ValueError(f"an attribute has at most {MAX_PHRASE_LENGTH} characters")
        return bare


def birth_identity(distortion: str, phrase: str, turn: int = 0) -> str:
    """Return the identity of an attribute that comes into being with these words.

    It follows from the words, so that two stores that took in the same set know its attributes by
    the same names and can merge their edits.

    Args:
        distortion: Id of its distortion.
        phrase: Its first wording.
        turn: Counts the attributes that were born with the same words, from 0.

    Example:
        >>> birth_identity("jpeg", "blocky edges") == birth_identity("jpeg", "Blocky edges")
        True
    """
    words = f"{distortion}\n{phrase.casefold()}\n{turn}"
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class AttributeSet(Frozen):
    """The attributes of one or more distortions, in a fixed order.

    Attributes:
        by_distortion: Distortion id to its attributes; ids sorted, attributes in their own order.
    """

    by_distortion: dict[str, tuple[Attribute, ...]]

    @field_validator("by_distortion")
    @classmethod
    def _distinct(cls, value: dict[str, tuple[Attribute, ...]]) -> dict[str, tuple[Attribute, ...]]:
        for distortion, attributes in value.items():
            keys: set[str] = set()
            for attribute in attributes:
                key = attribute.phrase.casefold()
                if key in keys:
                    raise ValueError(f"{distortion} has '{attribute.phrase}' twice")
                keys.add(key)
        return _identified({d: value[d] for d in sorted(value) if value[d]})

    @classmethod
    def from_phrases(
        cls, phrases: Mapping[str, Iterable[str]], *, origin: Origin = "expert"
    ) -> "AttributeSet":
        """Build a set from plain phrases.

        Example:
            >>> AttributeSet.from_phrases({"jpeg": ["blocky edges"]}).phrases()
            {'jpeg': ('blocky edges',)}
        """
        return cls(
            by_distortion={
                distortion: tuple(Attribute(phrase=phrase, origin=origin) for phrase in texts)
                for distortion, texts in phrases.items()
            }
        )

    @property
    def distortions(self) -> tuple[str, ...]:
        """Ids of the distortions, sorted; the order of every D axis."""
        return tuple(self.by_distortion)

    @property
    def size(self) -> int:
        """Number of attributes A over all distortions."""
        return sum(len(attributes) for attributes in self.by_distortion.values())

    def phrases(self) -> dict[str, tuple[str, ...]]:
        """Return distortion id to bare phrases: the content that the hash covers."""
        return {
            distortion: tuple(attribute.phrase for attribute in attributes)
            for distortion, attributes in self.by_distortion.items()
        }

    def restricted_to(self, distortions: Iterable[str]) -> "AttributeSet":
        """Return the part that belongs to these distortions."""
        wanted = set(distortions)
        return AttributeSet(
            by_distortion={d: own for d, own in self.by_distortion.items() if d in wanted}
        )

    def without_rejected(self) -> "AttributeSet":
        """Return what would be frozen: everything but the rejected attributes."""
        return AttributeSet(
            by_distortion={
                distortion: tuple(a for a in attributes if a.status != "rejected")
                for distortion, attributes in self.by_distortion.items()
            }
        )

    @property
    def hash(self) -> str:
        """SHA-256 of the phrases by distortion; who wrote them and when do not enter.

        Example:
            >>> a = AttributeSet.from_phrases({"x": ["p"], "y": ["q"]}, origin="llm")
            >>> b = AttributeSet.from_phrases({"y": ["q"], "x": ["There is a p in the photo."]})
            >>> a.hash == b.hash
            True
        """
        return content_hash({"format": "attribute-set/1", "distortions": self.phrases()})


class Version(Frozen):
    """A frozen attribute set: immutable, named by the hash of its content.

    Attributes:
        hash: 64 hexadecimal digits; a unique prefix names the version everywhere.
        attributes: The content.
        message: Why it was frozen.
        author: Who froze it.
        created_at: When, in UTC.
        parent: Hash of the version that it was edited from, if any.
        merged: Hash of the version that was merged into the parent's line, if any.
        aliases: Names that point at it now ("curated").
    """

    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    attributes: AttributeSet
    message: str
    author: str
    created_at: datetime
    parent: str | None = None
    merged: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What people read: the first alias, or the first ten digits of the hash."""
        return self.aliases[0] if self.aliases else self.hash[:10]


def _identified(
    by_distortion: dict[str, tuple[Attribute, ...]],
) -> dict[str, tuple[Attribute, ...]]:
    """Give an identity to every attribute that has none; refuse one that two of them claim."""
    taken: set[str] = set()
    unnamed = False
    for attribute in (a for own in by_distortion.values() for a in own):
        if attribute.identity is None:
            unnamed = True
        elif attribute.identity in taken:
            raise ValueError(f"'{attribute.phrase}' has the identity of another attribute")
        else:
            taken.add(attribute.identity)
    if not unnamed:
        return by_distortion
    return {d: tuple(_named(d, a, taken) for a in own) for d, own in by_distortion.items()}


def _named(distortion: str, attribute: Attribute, taken: set[str]) -> Attribute:
    if attribute.identity is not None:
        return attribute
    free = (birth_identity(distortion, attribute.phrase, turn) for turn in count())
    identity = next(identity for identity in free if identity not in taken)
    taken.add(identity)
    return attribute.model_copy(update={"identity": identity})


class DraftRow(Frozen):
    """An attribute of the working draft as it stood when it was read.

    Attributes:
        id: Stable over rewording, and never given to another attribute.
        distortion: Id of the distortion it belongs to.
        position: Place among the attributes of that distortion; ascending, with gaps.
        attribute: The phrase, who wrote it, and where it stands in review.
        row_version: Counts the edits; an edit states the one it is based on.
        updated_at: When it was last edited, in UTC.
        updated_by: Who edited it last.
    """

    id: int
    distortion: str
    position: int
    attribute: Attribute
    row_version: int
    updated_at: datetime
    updated_by: str
