"""From files as text to an attribute set, or every fault of the files, each with its line.

The forms (YAML, JSON, CSV) read a `Source` into `Block`s of `Entry`s; an `Assembly` checks them and
puts them together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from workbench.domain.attributes import Attribute, AttributeSet, Origin
from workbench.domain.canonical import fault_words
from workbench.store.text.attribute_document import WrittenAttribute
from workbench.text_files import TextFault, decoded

MAX_BYTES = 20_000_000  # ten thousand attributes with all they carry are 3 MB of JSON
_MOST = 300  # characters of a fault; a file may hold a sentence of megabytes


@dataclass
class Faults:
    """What is wrong, or worth a warning, in the order of files and lines."""

    _faults: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, name: str, line: int, words: str) -> None:
        """Note a fault; line 0 is the file as a whole."""
        short = words if len(words) <= _MOST else f"{words[:_MOST]}…"
        self._faults.append((name, line, short))

    def lines(self) -> list[str]:
        """Return one line for each fault, opening with its file and line."""
        return [
            f"{name}, line {line}: {words}" if line else f"{name}: {words}"
            for name, line, words in sorted(self._faults, key=lambda fault: fault[:2])
        ]


@dataclass(frozen=True)
class Source:
    """A file's text.

    Attributes:
        name: What faults call the file.
        text: All of it.
        faults: Where its faults are noted.
        warnings: Where it is noted what is read otherwise than its author may think.
    """

    name: str
    text: str
    faults: Faults
    warnings: Faults

    def fault(self, line: int, words: str) -> None:
        """Note what is wrong in a line, counted from 1."""
        self.faults.add(self.name, line, words)

    def warn(self, line: int, words: str) -> None:
        """Note what is read otherwise than it looks in a line, counted from 1."""
        self.warnings.add(self.name, line, words)


@dataclass(frozen=True)
class Entry:
    """One attribute as a file has it, nothing checked yet.

    Attributes:
        line: Where it opens.
        fields: Name to value.
        lines: Name to line, of those fields that have one of their own.
    """

    line: int
    fields: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, name: str) -> int:
        """Return the line of a field, or of the entry if the field has none of its own."""
        return self.lines.get(name, self.line)


@dataclass(frozen=True)
class Block:
    """The attributes of one distortion as a file has them."""

    source: Source
    distortion: str
    line: int
    entries: list[Entry]

    @property
    def location(self) -> str:
        """File and line."""
        return f"{self.source.name}, line {self.line}"


def source_of(data: bytes, name: str, faults: Faults, warnings: Faults) -> Source | None:
    """Return a file's bytes as text, or note in one line why they are none.

    Of a file that is too large, one byte more than `MAX_BYTES` is enough.
    """
    if len(data) > MAX_BYTES:
        faults.add(name, 0, f"is larger than the {MAX_BYTES // 1_000_000} MB that are read")
        return None
    try:
        return Source(name, decoded(data), faults, warnings)
    except TextFault as fault:
        faults.add(name, fault.line, str(fault))
        return None


@dataclass(frozen=True)
class AttributeText:
    """An attribute set as text has it: calls by digest, which only a store's log can number.

    Attributes:
        attributes: The set, no attribute with a call.
        calls: Identity of an attribute to the digest of the LLM call behind it.
        locations: Distortion to file and line where its attributes open.
        warnings: What is read otherwise than its author may think, each with its file and line.
    """

    attributes: AttributeSet
    calls: Mapping[str, str]
    locations: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def digests(self) -> frozenset[str]:
        """The calls that a store's log should know."""
        return frozenset(self.calls.values())

    def unlogged(self, known: Mapping[str, int]) -> int:
        """Return how many attributes name a call that is not among those known."""
        return sum(digest not in known for digest in self.calls.values())

    def with_calls(self, known: Mapping[str, int]) -> AttributeSet:
        """Return the set with its calls numbered by the store's log; unknown calls are left out."""
        return AttributeSet(
            by_distortion={
                distortion: tuple(self._with_call(attribute, known) for attribute in attributes)
                for distortion, attributes in self.attributes.by_distortion.items()
            }
        )

    def _with_call(self, attribute: Attribute, known: Mapping[str, int]) -> Attribute:
        number = known.get(self.calls.get(attribute.identity or "", ""))
        return attribute if number is None else attribute.model_copy(update={"call_id": number})


class Assembly:
    """Puts blocks together; a fault is noted with the block's source and its entry left out.

    `origin` is recorded with attributes whose file names none.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._entries: dict[str, list[tuple[Attribute, str | None]]] = {}
        self._locations: dict[str, str] = {}
        self._identities: dict[str, str] = {}

    def add(self, blocks: Iterable[Block]) -> None:
        """Add the blocks of one file, in their order."""
        for block in blocks:
            if not block.distortion.strip():
                block.source.fault(block.line, "the distortion has no name")
            elif block.distortion in self._locations:
                block.source.fault(
                    block.line,
                    f"{block.distortion!r} has its attributes in "
                    f"{self._locations[block.distortion]} already",
                )
            else:
                self._locations[block.distortion] = block.location
                self._entries[block.distortion] = list(self._checked(block))

    def text(self, warnings: Faults) -> AttributeText:
        """Return everything that was added; only for use when no fault was noted."""
        attributes = AttributeSet(
            by_distortion={d: tuple(a for a, _ in pairs) for d, pairs in self._entries.items()}
        )
        calls = {
            attribute.identity or "": digest  # identities are given by the set
            for distortion, listed in attributes.by_distortion.items()
            for attribute, (_, digest) in zip(listed, self._entries[distortion], strict=True)
            if digest is not None
        }
        return AttributeText(attributes, calls, self._locations, tuple(warnings.lines()))

    def _checked(self, block: Block) -> Iterator[tuple[Attribute, str | None]]:
        entries: dict[str, Entry] = {}
        for entry in block.entries:
            written = _written(block, entry)
            if written is None:
                continue
            try:
                attribute = written.attribute(self._origin)
            except ValidationError as fault:
                _note(block, entry, fault)
                continue
            first = entries.setdefault(attribute.phrase.casefold(), entry)
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
            first = self._identities[attribute.identity]
            block.source.fault(line, f"id: belongs to the attribute in {first} already")
        else:
            self._identities[attribute.identity] = f"{block.source.name}, line {line}"


def _written(block: Block, entry: Entry) -> WrittenAttribute | None:
    """Return what an entry says; fields that are wrong are noted, and the others used."""
    fields = dict(entry.fields)
    try:
        return WrittenAttribute.model_validate(fields)
    except ValidationError as fault:
        _note(block, entry, fault)
        faulty = {error["loc"][0] for error in fault.errors()}
        sound = {name: value for name, value in fields.items() if name not in faulty}
        return WrittenAttribute.model_validate(sound) if "phrase" in sound else None


def _note(block: Block, entry: Entry, fault: ValidationError) -> None:
    for error, words in zip(fault.errors(), fault_words(fault), strict=True):
        field = str(error["loc"][0]) if error["loc"] else ""
        block.source.fault(entry.line_of(field), words)
