"""Trained weights on disk: safetensors with the facts they belong to, never a pickle."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workbench.errors import CheckpointMismatchError, RunError
from workbench.files import written_whole

FORMAT = "trained-weights/1"


def save_state(file: Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write tensors and the facts they belong to, whole or not at all.

    Args:
        file: Its folder exists.
        state: Tensors by name.
        facts: What decides them, by name; `load_state` compares them.

    Raises:
        RunError: The file cannot be written.
    """
    tensors = {name: values.detach().cpu().contiguous() for name, values in state.items()}
    try:
        with written_whole(file) as passing:
            save_file(tensors, passing, {**facts, "format": FORMAT})
    except (OSError, SafetensorError) as fault:
        raise RunError(
            f"Trained weights cannot be written to {file}: {fault}. Make room or the folder "
            "writable, then resume the run."
        ) from fault


def load_state(file: Path, facts: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors of a file that belongs to the given facts.

    Args:
        file: As `save_state` wrote it.
        facts: What it must belong to; other facts of the file play no part.

    Raises:
        CheckpointMismatchError: It is missing, damaged, no safetensors file, or belongs to
            something else; names the fact that differs.
    """
    return read_state(file, facts)[0]


def read_state(file: Path, facts: Mapping[str, str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and all facts of a file; takes and raises what `load_state` does."""
    try:
        with safe_open(file, framework="pt") as opened:
            found = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        raise CheckpointMismatchError(
            f"{file} holds no trained weights that can be read ({fault}). {_AGAIN}"
        ) from fault
    for name, value in {**facts, "format": FORMAT}.items():
        if found.get(name) != value:
            raise CheckpointMismatchError(
                f"{file} was trained with another {_WORDS.get(name, name)}: "
                f"{found.get(name, 'none')}, expected {value}. {_AGAIN}"
            )
    return tensors, found


_AGAIN = "Run the version again with --again to train it anew."
_WORDS = {
    "attributes": "attribute set",
    "config": "configuration",
    "data": "set of images",
    "rows": "split",
}
