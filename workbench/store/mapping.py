"""Rows to domain values, and back; the only place that knows both.

A phrase that was stored has been normalised once, and its hash was taken of exactly that text; so
it is not normalised again on the way out.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.config import RunConfig
from workbench.domain.llm_call import LLMCall, LLMRequest
from workbench.domain.run import Run, RunResult
from workbench.errors import StoreError
from workbench.store.digest import call_digest
from workbench.store.tables import CallRow, RunRow


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


@lru_cache(maxsize=1 << 15)
def attribute_of(
    phrase: str,
    origin: str,
    call_id: int | None,
    status: str,
    identity: str,
    decided_by: str | None,
) -> Attribute:
    """Return the attribute of a stored row, to the letter; versions share what they have in common.

    Frozen values may be shared, and two versions of ten thousand attributes differ in a few.
    """
    stored: dict[str, Any] = {
        "phrase": phrase,
        "origin": origin,
        "call_id": call_id,
        "status": status,
        "identity": identity,
        "decided_by": decided_by,
    }
    return Attribute.model_construct(**stored)


def set_of(rows: Iterable[Any]) -> AttributeSet:
    """Return the set that rows make, without judging again what the database has accepted.

    Args:
        rows: (distortion, position, phrase, origin, call_id, status, identity, decided_by), in
            order; of one distortion no two with the same words, and no two of one identity.
    """
    by_distortion: dict[str, list[Attribute]] = {}
    for distortion, _, *stored in rows:
        by_distortion.setdefault(distortion, []).append(attribute_of(*stored))
    return AttributeSet.model_construct(
        by_distortion={d: tuple(by_distortion[d]) for d in sorted(by_distortion)}
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
