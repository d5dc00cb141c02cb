"""The page Curate as Streamlit draws it; how it is used is in `tests/browser/test_curate.py`."""

import json

import pytest

from workbench.app.attribute_table import KEY
from workbench.workflow.curation import FIELDS

pytestmark = pytest.mark.slow


def sent(shown):
    """What the table is sent."""
    (table,) = [e.proto for e in shown.get("bidi_component") if e.proto.bytes]
    return json.loads(table.bytes)


def test_every_attribute_of_every_type_is_sent_with_what_is_known_of_it(page, full_store):
    rows = [dict(zip(FIELDS, row, strict=True)) for row in sent(page("curate"))["board"]["rows"]]
    assert len(rows) == full_store.draft.attribute_set().size
    (drafted,) = [row for row in rows if row["origin"] == "llm"]
    assert (drafted["type"], drafted["phrase"]) == ("jpeg", "smudged *bold* tiles")
    assert KEY


def test_an_empty_draft_is_sent_as_such(page, store):
    shown = sent(page("curate"))
    assert shown["board"]["rows"] == []
    assert shown["board"]["types"]["jpeg"][0] == "JPEG"
