"""Rows to domain values, and back; the only place that knows both.

A phrase that was stored has been normalised once, and its hash was taken of exactly that text; so
it is not normalised again on the way out.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from workbench.domain.attributes import Attribute, AttributeSet, birth_identity
from workbench.domain.calls import LLMCall, LLMRequest
from workbench.domain.draft import DraftRow
from workbench.domain.run import Run, RunConfig, RunResult
from workbench.errors import StoreError
from workbench.store.columns import utc_now
from workbench.store.seal import call_digest
from workbench.store.tables import CallRow, DraftAttributeRow, RunRow, VersionAttributeRow


def call_row(call: LLMCall) -> CallRow:
    """Return the row that keeps a call; the reply as JSON, since it may hold any character."""
    row = CallRow(
        key=call.request.key,
        distortion=call.distortion,
        request=json.dumps(call.request.model_dump(mode="json")),
        model_answered=call.model_answered,
        reply=json.dumps(call.reply),
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        latency_s=call.latency_s,
        error=call.error,
        created_at=call.created_at,
        cost_usd=call.cost_usd,
        digest="",
    )
    row.digest = call_digest(row)
    return row


def call_value(row: CallRow) -> LLMCall:
    """Return the call that a row keeps."""
    return LLMCall(
        request=LLMRequest.model_validate_json(row.request),
        distortion=row.distortion,
        model_answered=row.model_answered,
        reply=json.loads(row.reply),
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        latency_s=row.latency_s,
        error=row.error,
        created_at=row.created_at,
        cost_usd=row.cost_usd,
        id=row.id,
    )


def attribute_value(row: DraftAttributeRow | VersionAttributeRow) -> Attribute:
    """Return the attribute of a draft or version row, to the letter."""
    stored: dict[str, Any] = {name: getattr(row, name) for name in Attribute.model_fields}
    return Attribute.model_construct(**stored)


def attribute_set(rows: Iterable[DraftAttributeRow | VersionAttributeRow]) -> AttributeSet:
    """Return the set that rows make, which come in the order of their positions."""
    by_distortion: dict[str, list[Attribute]] = {}
    for row in rows:
        by_distortion.setdefault(row.distortion, []).append(attribute_value(row))
    return AttributeSet(by_distortion={d: tuple(some) for d, some in by_distortion.items()})


def draft_row(
    distortion: str, position: int, attribute: Attribute, author: str
) -> DraftAttributeRow:
    """Return the row of an attribute that is new to the draft."""
    return DraftAttributeRow(
        distortion=distortion,
        position=position,
        phrase=attribute.phrase,
        phrase_key=attribute.phrase.casefold(),
        origin=attribute.origin,
        call_id=attribute.call_id,
        status=attribute.status,
        identity=attribute.identity or birth_identity(distortion, attribute.phrase),
        decided_by=attribute.decided_by,
        row_version=1,
        updated_at=utc_now(),
        updated_by=author,
    )


def draft_value(row: DraftAttributeRow) -> DraftRow:
    """Return a draft row as others see it."""
    return DraftRow(
        id=row.id or 0,
        distortion=row.distortion,
        position=row.position,
        attribute=attribute_value(row),
        row_version=row.row_version,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )


def run_value(row: RunRow, document: str | None = None) -> Run:
    """Return a run, with its result if the document is given.

    Raises:
        StoreError: A stored document is not what this program calls a configuration or result.
    """
    try:
        return Run(
            id=row.id or 0,
            version=row.version_hash,
            config=RunConfig.model_validate_json(row.config),
            status=row.status,
            progress=row.progress,
            stage=row.stage,
            error=row.error,
            worker=row.worker,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            result=None if document is None else RunResult.model_validate_json(document),
        )
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(step) for step in fault["loc"])
        raise StoreError(
            f"Run {row.id} cannot be read: {field}: {fault['msg']}. It may come from another "
            "release; run the version again."
        ) from error
