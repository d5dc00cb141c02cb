"""What a file says of an attribute, and the JSON document whose schema is published."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.domain.attributes import MAX_PHRASE_LENGTH, Attribute, Origin, Status
from workbench.domain.canonical import Frozen
from workbench.errors import StoreError

FORMAT = "attribute-set/2"
SCHEMA_ID = "urn:attribute-workbench:attribute-set:2"


class WrittenAttribute(Frozen):
    """One attribute of one distortion; only its phrase is required."""

    phrase: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_PHRASE_LENGTH,
            description="What one sees, as a bare phrase: 'softening of details'.",
        ),
    ]
    id: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9a-f]{32}$",
            description="What the attribute stays known by when its words change; without, it "
            "follows from distortion and phrase.",
        ),
    ] = None
    origin: Annotated[
        Origin | None,
        Field(description="Who wrote the phrase; without, whoever imports the file says so."),
    ] = None
    status: Annotated[
        Status, Field(description="Where it stands in review; rejected ones are not frozen.")
    ] = "proposed"
    decided_by: Annotated[
        str | None, Field(description="Who gave it its status, once somebody has.")
    ] = None
    call: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9a-f]{64}$",
            description="SHA-256 digest of the logged language-model call that the phrase is from.",
        ),
    ] = None

    @classmethod
    def of(cls, attribute: Attribute, calls: Mapping[int, str] | None) -> "WrittenAttribute":
        """Return what a file says of an attribute.

        The phrase is taken to the letter: it has been normalised and measured once. Calls are as
        for `attribute_text`.
        """
        call = None
        if calls is not None and attribute.call_id is not None:
            call = calls.get(attribute.call_id)
            if call is None:
                raise StoreError(
                    f"'{attribute.phrase}' names LLM call {attribute.call_id}, which has no digest "
                    "in this store's log. Nothing was written; `workbench versions verify` checks "
                    "the log."
                )
        return cls.model_construct(
            phrase=attribute.phrase,
            id=attribute.identity,
            origin=attribute.origin,
            status=attribute.status,
            decided_by=attribute.decided_by,
            call=call,
        )

    def attribute(self, origin: Origin) -> Attribute:
        """Return the attribute, still without its call; `origin` is for files that name none."""
        return Attribute(
            phrase=self.phrase,
            origin=self.origin or origin,
            status=self.status,
            identity=self.id,
            decided_by=self.decided_by,
        )


FIELDS = tuple(WrittenAttribute.model_fields)


class AttributeSetDocument(Frozen):
    """Attributes by distortion, in their order, with where each comes from and stands."""

    format: Annotated[Literal["attribute-set/2"], Field(description="Names this kind of document.")]
    distortions: Annotated[
        dict[str, list[WrittenAttribute]],
        Field(description="Id of a distortion type to its attributes; no phrase stands twice."),
    ]


def attribute_set_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document (draft 2020-12), as published in `docs/`.

    Example:
        >>> attribute_set_schema()["required"]
        ['format', 'distortions']
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **AttributeSetDocument.model_json_schema(),
        "title": "Attribute set",
    }
