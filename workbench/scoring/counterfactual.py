"""What the model would say if an attribute, or a whole distortion, were absent."""

from collections.abc import Mapping, Sequence

from workbench.errors import UnknownNameError


def named_places(names: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the places of the attributes that some names stand for, sorted.

    A name is a distortion's id, for all of its attributes; a phrase, wherever it occurs; or
    "distortion: phrase". Upper and lower case are the same.

    Args:
        names: One or more of them.
        attributes: Phrases by distortion, in the model's order.

    Raises:
        UnknownNameError: A name stands for nothing.

    Example:
        >>> known = {"noise": ["grain", "haze"], "blur": ["soft look", "haze"]}
        >>> named_places(["blur"], known), named_places(["Haze"], known)
        ([2, 3], [1, 3])
        >>> named_places(["blur: haze"], known)
        [3]
        >>> named_places(["soft lock"], known)
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown attribute or distortion 'soft lock'. \
Did you mean 'soft look'?
    """
    every = [(distortion, phrase) for distortion, some in attributes.items() for phrase in some]
    found: set[int] = set()
    for name in names:
        wanted = name.casefold()
        matching = {
            place
            for place, (distortion, phrase) in enumerate(every)
            if wanted in (distortion.casefold(), phrase.casefold())
            or wanted == f"{distortion}: {phrase}".casefold()
        }
        if not matching:
            known = {*attributes, *(phrase for _, phrase in every)}
            raise UnknownNameError("attribute or distortion", name, known)
        found |= matching
    return sorted(found)
