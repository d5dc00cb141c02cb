"""Download the pinned model from its hub."""

from collections.abc import Iterator
from pathlib import Path

import httpx2

from workbench.drafting.gguf import CHUNK_BYTES, QWEN, PinnedModel, Progress, keep
from workbench.errors import LLMRequestError

STALL_S = 30.0


def download(folder: Path, model: PinnedModel = QWEN, *, progress: Progress) -> Path:
    """Download the model into the cache, prove its hash, and return the file.

    Args:
        folder: The user's cache folder.
        model: Which model.
        progress: Called with the share done, in [0, 1], and what is being done.

    Raises:
        LLMRequestError: The hub broke off, sent other bytes, or the disk is full; nothing
            half-written stays.
    """
    try:
        with httpx2.stream("GET", model.url, timeout=STALL_S, follow_redirects=True) as response:
            response.raise_for_status()
            chunks: Iterator[bytes] = response.iter_bytes(CHUNK_BYTES)
            how = f"downloaded from {httpx2.URL(model.url).host}"
            return keep(chunks, folder, model, how=how, progress=progress)
    except httpx2.HTTPError as error:
        why = str(error).split("\n")[0] or type(error).__name__
        raise LLMRequestError(
            f"The download of the local language model from {model.url} broke off ({why}). "
            "Try again, or set OPENAI_API_KEY, or WORKBENCH_GGUF."
        ) from error
