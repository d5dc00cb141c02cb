"""How a training crosses to another process: without copying images, without the text tower."""

import pickle
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from workbench.encoders import Encoder


class _Pickler(pickle.Pickler):
    """Sends memory-mapped arrays as the place of their file, and an encoder without its texts."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Encoder):
            bare = copy(value)
            texts = dict.fromkeys(("model", "_tokenise", "_count_tokens"))
            # No index: the GPU of the process that reads it.
            vars(bare).update(texts, device=torch.device(value.device.type))
            return bare.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if isinstance(value, np.memmap) and value.filename and value.flags.c_contiguous:
            return _mapped, (value.filename, value.dtype, _offset(value), value.shape)
        return NotImplemented


def _mapped(file: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.memmap(file, dtype, "r", offset, shape)


def _offset(array: np.memmap[Any, Any]) -> int:
    """Return where in its file a part of a memory-mapped array begins."""
    whole: Any = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    return int(whole.offset + array.ctypes.data - whole.ctypes.data)


# What torch.save takes for a pickle module.
PICKLE = SimpleNamespace(__name__=__name__, Pickler=_Pickler)
