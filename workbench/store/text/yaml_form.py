"""YAML: one file per distortion, in stable order, made for git diffs.

distortion: jpeg
attributes:
  - visible grid of small square blocks
  - phrase: tints smeared within square tiles
    status: accepted
    decided_by: ann

A plain string is an attribute with nothing but words; a mapping holds only what says something.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from workbench.domain.attributes import Attribute, AttributeSet, Origin, birth_identity
from workbench.store.text.assembly import Block, Entry, Source
from workbench.store.text.attribute_document import FIELDS, WrittenAttribute
from workbench.text_files import lines, yaml_comment

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # some platforms lack libyaml
_DEPTH = 8  # three are needed; what is a little deeper is better called by its name
_ONE_LINE = 1_000_000  # characters; a folded phrase would show as a change of two lines
# YAML 1.1 ends a line at these, an editor and YAML 1.2 do not; a phrase has a blank in their place
_NO_LINE_ENDS = str.maketrans("\x85\u2028\u2029", "   ")


def yaml_texts(
    attributes: AttributeSet, calls: Mapping[int, str] | None, origin: Origin
) -> dict[str, str]:
    """Return distortion to the text of its file; arguments as for `attribute_text`."""
    return {
        distortion: yaml.dump(
            {
                "distortion": distortion,
                "attributes": [_lean(distortion, a, calls, origin) for a in listed],
            },
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=_ONE_LINE,
        )
        for distortion, listed in attributes.by_distortion.items()
    }


def yaml_blocks(source: Source) -> Iterator[Block]:
    """Yield the attributes of each document of a YAML text; what is faulty is noted."""
    source = replace(source, text=source.text.translate(_NO_LINE_ENDS))
    try:
        if not _is_plain(source):
            return
        documents = list(yaml.compose_all(source.text, Loader=_LOADER))
    except yaml.YAMLError as fault:
        source.fault(*_line_and_words(fault, source.text))
        return
    if not documents:
        source.fault(1, "is empty; it needs the fields 'distortion' and 'attributes'")
    for document in documents:
        yield from _document(source, document)


def _document(source: Source, document: yaml.Node) -> Iterator[Block]:
    known = ("distortion", "attributes")
    fields = _fields(source, document, known, "a file has")
    if fields is None:
        return
    line = document.start_mark.line + 1
    for name in known:
        if name not in fields:
            source.fault(line, f"{name}: is missing")
    distortion = fields.get("distortion")
    if distortion is not None and not _is_text(distortion):
        source.fault(_line(distortion), f"distortion: {_quoted(distortion)} is no name")
        distortion = None
    listed = fields.get("attributes")
    if listed is not None and not (isinstance(listed, yaml.SequenceNode) and listed.value):
        source.fault(_line(listed), "attributes: must be a list of phrases")
    elif listed is not None:
        entries = list(_entries(source, listed.value))
        if distortion is not None:
            yield Block(source, distortion.value, _line(distortion), entries)


def _entries(source: Source, nodes: Iterable[yaml.Node]) -> Iterator[Entry]:
    for node in nodes:
        if _is_text(node):
            _warn_of_loss(source, node)
            yield Entry(_line(node), {"phrase": node.value})
        elif not isinstance(node, yaml.MappingNode):
            comment = yaml_comment(source.text, node.end_mark.index)
            hint = f", for {comment!r} is a comment" if comment else ""
            source.fault(_line(node), f"{_quoted(node)} is no phrase; put words in quotes{hint}")
        else:
            fields = _fields(source, node, FIELDS, "an attribute has") or {}
            for name in {"phrase", "decided_by"} & fields.keys():
                _warn_of_loss(source, fields[name])
            values = {name: value.value for name, value in fields.items() if _is_text(value)}
            for name in fields.keys() - values.keys():
                words = f"{name}: {_quoted(fields[name])} is no text; put it in quotes"
                source.fault(_line(fields[name]), words)
            if fields and ("phrase" in values or "phrase" not in fields):
                lines = {name: _line(value) for name, value in fields.items()}
                yield Entry(_line(node), values, lines)


def _warn_of_loss(source: Source, node: yaml.Node) -> None:
    """Warn where an unquoted text ends before a comment, or goes on in the next line."""
    if not isinstance(node, yaml.ScalarNode) or node.style:
        return
    text, last = node.value, int(node.end_mark.line) + 1
    if comment := yaml_comment(source.text, node.end_mark.index):
        source.warn(
            last,
            f"{comment!r} is a comment, so the text is {text!r}; put quotes around all of it to "
            "keep it",
        )
    if last > _line(node):
        source.warn(
            _line(node), f"the text goes on in line {last}: {text!r}; a new one opens with '- '"
        )


def _fields(
    source: Source, node: yaml.Node, known: tuple[str, ...], owner: str
) -> dict[str, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        words = f"{_quoted(node)} is no mapping; {owner} the fields {', '.join(known)}"
        source.fault(_line(node), words)
        return None
    fields: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not _is_text(key) or key.value not in known:
            words = f"{_quoted(key)}: no such field; {owner} {', '.join(known)}"
            names = {name.value for name, _ in node.value if _is_text(name)}
            colon = "phrase" in known and "phrase" not in names
            hint = "; a phrase with a colon needs quotes" if colon else ""
            source.fault(_line(key), words + hint)
        elif key.value in fields:
            first = _line(fields[key.value])
            source.fault(_line(key), f"{key.value}: stands in line {first} already")
        else:
            fields[key.value] = value
    return fields


def _is_plain(source: Source) -> bool:
    """Refuse what an attribute file never needs and an attack does, before anything is built."""
    depth = 0
    for event in yaml.parse(source.text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None) is not None:
            source.fault(line, "anchors and aliases are not read; write the words out")
            return False
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            source.fault(line, "is nested deeper than a list of attributes")
            return False
    return True


def _line_and_words(fault: yaml.YAMLError, text: str) -> tuple[int, str]:
    if isinstance(fault, yaml.MarkedYAMLError):
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        problem = ", ".join(filter(None, (fault.context, fault.problem)))
        words = f"is no YAML: {problem}; a phrase with marks such as : # \" ' needs quotes"
        return min(line, len(lines(text)) or 1), words  # not behind the last
    position = getattr(fault, "position", 0)
    before = text.encode()[:position].decode(errors="ignore")
    return len(lines(f"{before}.")), "holds a control character"


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _quoted(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.value else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _lean(
    distortion: str, attribute: Attribute, calls: Mapping[int, str] | None, origin: Origin
) -> str | dict[str, str]:
    fields = dict(WrittenAttribute.of(attribute, calls))
    defaults = {
        "id": birth_identity(distortion, attribute.phrase),
        "origin": origin,
        "status": "proposed",
    }
    stated = {k: v for k, v in fields.items() if v is not None and v != defaults.get(k)}
    return attribute.phrase if len(stated) == 1 else stated


class _Dumper(yaml.SafeDumper):
    """Indents lists under their name, and never refers to what it has written before."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Other styles keep some line breaks (NEL) as they are, and readers make \n of them.
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
