"""JSON: one document of the whole set, for other programs; its schema is in `docs/`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.domain.attributes import AttributeSet
from workbench.store.text.json_lines import Places, places_of
from workbench.store.text.source import Block, Entry, Source
from workbench.store.text.written import FORMAT, WrittenAttribute


def attribute_document(
    attributes: AttributeSet, calls: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Return the JSON document of a set.

    Args:
        attributes: The set.
        calls: Number in the store's log to digest; None leaves calls out.

    Raises:
        StoreError: An attribute names a call whose digest is not given.
    """
    distortions = {
        distortion: [WrittenAttribute.of(a, calls).model_dump(exclude_none=True) for a in some]
        for distortion, some in attributes.by_distortion.items()
    }
    return {"format": FORMAT, "distortions": distortions}


def json_text(attributes: AttributeSet, calls: Mapping[int, str] | None) -> str:
    """Return the JSON text of a set; arguments as for `attribute_document`."""
    return json.dumps(attribute_document(attributes, calls), ensure_ascii=False, indent=2) + "\n"


def json_blocks(source: Source) -> Iterator[Block]:
    """Yield the attributes of each distortion of a JSON text; what is faulty is noted."""
    try:
        document = json.loads(source.text)
    except json.JSONDecodeError as fault:
        source.fault(fault.lineno, f"is no JSON from column {fault.colno} on: {fault.msg}")
    except RecursionError:
        source.fault(1, "is nested deeper than an attribute set")
    except ValueError as fault:  # a number of thousands of digits
        source.fault(1, f"is no attribute set: {fault}")
    else:
        yield from _document(source, document)


def _document(source: Source, document: object) -> Iterator[Block]:
    found = document.get("format") if isinstance(document, dict) else None
    if not isinstance(document, dict) or found != FORMAT:
        source.fault(
            1, f'needs "format": "{FORMAT}", got {"nothing" if found is None else repr(found)}'
        )
        return
    places = places_of(source.text)
    for path, line in places.twice:
        source.fault(line, f"{path[-1]!r} stands in this object already")
    for name in document.keys() - {"format", "distortions"}:
        source.fault(places.lines[name,], f"{name}: no such field")
    distortions = document.get("distortions")
    if not isinstance(distortions, dict):
        line = places.lines.get(("distortions",), 1)
        source.fault(line, "distortions: must be an object, distortion to list of attributes")
        return
    for distortion, some in distortions.items():
        line = places.lines["distortions", distortion]
        if isinstance(some, list):
            entries = list(_entries(source, some, places, distortion))
            yield Block(source, distortion, line, entries)
        else:
            source.fault(line, f"{distortion!r}: must be a list of attributes")


def _entries(source: Source, some: list[Any], places: Places, distortion: str) -> Iterator[Entry]:
    for index, fields in enumerate(some):
        path = ("distortions", distortion, index)
        line = places.lines[path]
        if isinstance(fields, dict):
            yield Entry(line, fields, {name: places.lines[*path, name] for name in fields})
        else:
            source.fault(line, f"{json.dumps(fields)} is no attribute; it must be an object")
