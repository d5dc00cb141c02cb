"""From what files say to an attribute set, or every fault of what they say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from workbench.domain.attributes import Attribute, AttributeSet, Origin
from workbench.domain.canonical import fault_words
from workbench.store.text.attribute_document import WrittenAttribute
from workbench.store.text.source import Block, Entry


@dataclass(frozen=True)
class AttributeText:
    """An attribute set as text has it: calls by digest, which only a store's log can number.

    Attributes:
        attributes: The set, no attribute with a call.
        calls: Identity of an attribute to the digest of the LLM call behind it.
        places: Distortion to file and line where its attributes open.
    """

    attributes: AttributeSet
    calls: Mapping[str, str]
    places: Mapping[str, str]

    @property
    def digests(self) -> frozenset[str]:
        """The calls that a store's log should know."""
        return frozenset(self.calls.values())

    def unlogged(self, known: Mapping[str, int]) -> int:
        """Return how many attributes name a call that is not among those known."""
        return sum(digest not in known for digest in self.calls.values())

    def with_calls(self, known: Mapping[str, int]) -> AttributeSet:
        """Return the set with its calls numbered; a call that is not known is left out.

        Args:
            known: Digest to number in the store's log.
        """
        return AttributeSet(
            by_distortion={
                distortion: tuple(self._with_call(attribute, known) for attribute in some)
                for distortion, some in self.attributes.by_distortion.items()
            }
        )

    def _with_call(self, attribute: Attribute, known: Mapping[str, int]) -> Attribute:
        number = known.get(self.calls.get(attribute.identity or "", ""))
        return attribute if number is None else attribute.model_copy(update={"call_id": number})


class Assembly:
    """Puts blocks together; a fault is noted with the block's source and its entry left out.

    Args:
        origin: Recorded with attributes whose file names none.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._found: dict[str, list[tuple[Attribute, str | None]]] = {}
        self._places: dict[str, str] = {}
        self._identities: dict[str, str] = {}

    def add(self, blocks: Iterable[Block]) -> None:
        """Take in the blocks of one file, in their order."""
        for block in blocks:
            if not block.distortion.strip():
                block.source.fault(block.line, "the distortion has no name")
            elif block.distortion in self._places:
                block.source.fault(
                    block.line,
                    f"{block.distortion!r} has its attributes in "
                    f"{self._places[block.distortion]} already",
                )
            else:
                self._places[block.distortion] = block.place
                self._found[block.distortion] = list(self._checked(block))

    def text(self) -> AttributeText:
        """Return everything that was taken in; only for use when no fault was noted."""
        attributes = AttributeSet(
            by_distortion={d: tuple(a for a, _ in some) for d, some in self._found.items()}
        )
        calls = {
            attribute.identity or "": digest
            for distortion, some in attributes.by_distortion.items()
            for attribute, (_, digest) in zip(some, self._found[distortion], strict=True)
            if digest is not None
        }
        return AttributeText(attributes, calls, self._places)

    def _checked(self, block: Block) -> Iterator[tuple[Attribute, str | None]]:
        seen: dict[str, Entry] = {}
        for entry in block.entries:
            written = _written(block, entry)
            if written is None:
                continue
            attribute = _attribute(block, entry, written, self._origin)
            if attribute is None:
                continue
            first = seen.setdefault(attribute.phrase.casefold(), entry)
            if first is not entry:
                line = first.line_of("phrase")
                words = f"{block.distortion!r} has {attribute.phrase!r} in line {line} already"
                block.source.fault(entry.line_of("phrase"), words)
            self._claim(block, entry, attribute)
            yield attribute, written.call

    def _claim(self, block: Block, entry: Entry, attribute: Attribute) -> None:
        if attribute.identity is None:
            return
        line = entry.line_of("id")
        if attribute.identity in self._identities:
            other = self._identities[attribute.identity]
            block.source.fault(line, f"id: belongs to the attribute in {other} already")
        else:
            self._identities[attribute.identity] = f"{block.source.name}, line {line}"


def _written(block: Block, entry: Entry) -> WrittenAttribute | None:
    """Return what an entry says; what is wrong with it is noted, and the rest taken for itself."""
    fields = dict(entry.fields)
    try:
        return WrittenAttribute.model_validate(fields)
    except ValidationError as fault:
        _note(block, entry, fault)
        faulty = {error["loc"][0] for error in fault.errors()}
        sound = {name: value for name, value in fields.items() if name not in faulty}
        return WrittenAttribute.model_validate(sound) if "phrase" in sound else None


def _attribute(
    block: Block, entry: Entry, written: WrittenAttribute, origin: Origin
) -> Attribute | None:
    try:
        return written.attribute(origin)
    except ValidationError as fault:
        _note(block, entry, fault)
        return None


def _note(block: Block, entry: Entry, fault: ValidationError) -> None:
    for error, words in zip(fault.errors(), fault_words(fault), strict=True):
        field = str(error["loc"][0]) if error["loc"] else ""
        block.source.fault(entry.line_of(field), words)
