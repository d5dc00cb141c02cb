"""Weights that are proven by their hash before they are used."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from workbench.errors import CheckpointMismatchError


def checked_tensors(file: Path, sha256: str, *, remedy: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Args:
        file: The file.
        sha256: What its bytes must hash to, 64 hexadecimal digits.
        remedy: What to do if they don't, one sentence.

    Raises:
        CheckpointMismatchError: The file is missing, damaged or another one.
    """
    if not file.is_file():
        raise CheckpointMismatchError(f"{file} is missing. {remedy}")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != sha256:
        raise CheckpointMismatchError(
            f"{file} has SHA-256 {digest[:12]}…, expected {sha256[:12]}…. {remedy}"
        )
    try:
        return load_file(file)
    except SafetensorError as fault:
        raise CheckpointMismatchError(f"{file} cannot be read: {fault}. {remedy}") from fault
