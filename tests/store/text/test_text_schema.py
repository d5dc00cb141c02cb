"""The published JSON Schema is the program's own, and says what the program takes."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given

from workbench.store.text import attribute_document, attribute_set_schema

from .sets import CALLS, attribute_sets, json_document

PUBLISHED = Path(__file__).parents[3] / "docs" / "attribute-set.schema.json"


def published():
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def test_the_published_schema_is_the_programs():
    """Written anew by `python -m tests.store.text.test_text_schema`."""
    assert published() == attribute_set_schema()


def test_the_schema_is_valid_and_describes_every_field():
    schema = published()
    jsonschema.Draft202012Validator.check_schema(schema)
    attribute = schema["$defs"]["WrittenAttribute"]
    for field in (*schema["properties"].values(), *attribute["properties"].values()):
        assert field["description"]


@given(attribute_sets())
def test_what_is_exported_follows_the_schema(written):
    jsonschema.validate(attribute_document(written, CALLS), attribute_set_schema())


@pytest.mark.parametrize(
    "document",
    [
        {"format": "attribute-set/1", "distortions": {}},
        {"distortions": {}},
        json_document(jpeg=["haze"]),
        json_document(jpeg=[{"id": "a" * 32}]),
        json_document(jpeg=[{"phrase": "haze", "status": "fine"}]),
        json_document(jpeg=[{"phrase": "haze", "mood": "good"}]),
        json_document(jpeg=[{"phrase": "x" * 201}]),
    ],
)
def test_the_schema_refuses_what_the_program_refuses(document):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, published())


if __name__ == "__main__":
    PUBLISHED.write_text(json.dumps(attribute_set_schema(), indent=2) + "\n", encoding="utf-8")
