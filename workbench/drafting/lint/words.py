"""Words, stems and what two phrases share; small on purpose, and only English."""

import re
from collections.abc import Iterable

# Longest first; taken off one after another, as long as three letters stay.
_ENDINGS = (
    "ization", "isation", "iness", "ation", "ising", "izing", "ness", "ised", "ized", "able", "ing",
    "ion", "ish", "ise", "ize", "ive", "ers", "est", "ed", "er", "es", "ly", "y", "e", "s",
)  # fmt: skip
_LEAST = 3  # letters of a stem
_VOWEL = re.compile(r"[aeiouy]")


def words(text: str) -> list[str]:
    """Return the words of a text, case folded; hyphens and apostrophes separate.

    Example:
        >>> words("Salt-and-pepper dots")
        ['salt', 'and', 'pepper', 'dots']
    """
    return re.findall(r"[^\W_]+", text.casefold())


STOP_WORDS = frozenset(
    words(
        "a an and are as at be been but by for from has have in into is it its of off on or over "
        "some that the their there they this to very was were where which while with without"
    )
)


def stem(word: str) -> str:
    """Return a word without its endings, so that its kin have the same stem.

    Example:
        >>> {stem(word) for word in ("blur", "blurs", "blurred", "blurriness", "blurring")}
        {'blur'}
        >>> {stem(word) for word in ("pixelate", "pixelated", "pixelation")}
        {'pixelat'}
    """
    while True:
        for ending in _ENDINGS:
            rest = word.removesuffix(ending)
            if rest != word and len(rest) >= _LEAST and _VOWEL.search(rest):
                word = rest
                break
        else:
            return _undoubled(word)
        if ending in ("ation", "ion"):  # "pixelat-ion": its kin keep the t
            return _undoubled(word + "at" if ending == "ation" else word)


def stems(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in their order.

    Example:
        >>> stems("softening of the details")
        ['soften', 'detail']
    """
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def overlap(one: Iterable[str], other: Iterable[str]) -> float:
    """Return the share of stems that two phrases have in common (Jaccard), 0 to 1.

    Example:
        >>> overlap(stems("soft, blurry edges"), stems("blurred soft edge"))
        1.0
    """
    first, second = set(one), set(other)
    either = first | second
    return len(first & second) / len(either) if either else 0.0


def _undoubled(word: str) -> str:
    return (
        word[:-1] if len(word) > _LEAST and word[-1] == word[-2] and word[-1] not in "sle" else word
    )
