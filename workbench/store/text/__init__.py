"""Attribute sets as text: YAML for git, JSON for programs, CSV for spreadsheets.

What is written is read again as the same set: order, identity, origin, status, who decided, and
the LLM call behind each attribute, named by its digest since its number counts in one store only.
A faulty file is refused whole, every fault with its line.

    text = read_text(Path("attribute_db/curated"))
    attributes = text.with_calls(store.calls.ids(text.digests))
"""

from workbench.store.text.assembly import AttributeText
from workbench.store.text.attribute_document import AttributeSetDocument, attribute_set_schema
from workbench.store.text.files import (
    attribute_text,
    parse_attributes,
    read_attributes,
    read_text,
    write_attributes,
)
from workbench.store.text.json_form import attribute_document

__all__ = [
    "AttributeSetDocument",
    "AttributeText",
    "attribute_document",
    "attribute_set_schema",
    "attribute_text",
    "parse_attributes",
    "read_attributes",
    "read_text",
    "write_attributes",
]
