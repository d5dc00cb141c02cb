"""Each sentence is encoded once, however often it is linted."""

from collections.abc import Sequence

import torch
from torch import Tensor

from workbench.drafting.lint.subject import TextTower


class RememberedTexts:
    """A text tower that encodes each sentence once; what makes linting as one types quick.

    Args:
        tower: What encodes, such as an `Encoder`.
    """

    def __init__(self, tower: TextTower) -> None:
        self._tower = tower
        self._known: dict[str, Tensor] = {}

    def encode_texts(self, sentences: Sequence[str]) -> Tensor:
        """See `TextTower.encode_texts`."""
        new = [text for text in dict.fromkeys(sentences) if text not in self._known]
        if new:
            rows = self._tower.encode_texts(new).cpu()
            self._known.update(zip(new, (row.clone() for row in rows), strict=True))
        return torch.stack([self._known[text] for text in sentences])

    def token_counts(self, sentences: Sequence[str]) -> tuple[list[int], int]:
        """See `TextTower.token_counts`."""
        return self._tower.token_counts(sentences)
