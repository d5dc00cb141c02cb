"""The offline encoder's tower: open_clip's transformer, over statistics that may be kept."""

import hashlib
from collections import OrderedDict
from typing import Any, Self

import torch
from torch import Tensor

from workbench.encoders.native import NativeTower
from workbench.encoders.statistics_stem import StatisticsStem


class Remembered:
    """The last statistics that were computed, by the bytes of their image.

    Args:
        most: How many images are kept; one takes 88 kB.
    """

    def __init__(self, most: int = 16_384) -> None:
        self.most = most
        self._rows: OrderedDict[bytes, Tensor] = OrderedDict()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an empty one: a copied tower recalls nothing, so it costs nothing."""
        return type(self)(self.most)

    def get(self, key: bytes) -> Tensor | None:
        """Return a row and mark it as recently used."""
        if key in self._rows:
            self._rows.move_to_end(key)
        return self._rows.get(key)

    def put(self, key: bytes, row: Tensor) -> None:
        """Keep a row; the one that was not used for longest makes room."""
        self._rows[key] = row
        if len(self._rows) > self.most:
            self._rows.popitem(last=False)


class StatisticsTower(NativeTower):
    """A tower whose first, frozen part is taken out of the training loop by `prepare`.

    Args:
        visual: open_clip's image tower with a `StatisticsStem` as its `conv1`.
    """

    prepares = True

    def __init__(self, visual: Any) -> None:
        super().__init__(visual)
        self._remembered = Remembered()

    @torch.no_grad()
    def prepare(self, images: Tensor) -> Tensor:
        """Return statistics, (B, F), float16, of images in [0, 1], (B, 3, S, S).

        The tower takes them in the place of the images, and a step of prompt tuning is then many
        times faster. An image that was seen before is not computed again.
        """
        self.require_size(images)
        stem: StatisticsStem = self.visual.conv1
        keys = [hashlib.blake2b(image.cpu().numpy().tobytes()).digest() for image in images]
        rows = [self._remembered.get(key) for key in keys]
        new = [place for place, row in enumerate(rows) if row is None]
        if new:
            computed = stem.statistics(images[new]).half()
            for place, row in zip(new, computed, strict=True):
                rows[place] = row.clone()  # not a view that keeps the whole batch alive
                self._remembered.put(keys[place], row.clone())
        return torch.stack([row for row in rows if row is not None])

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings, (B, E), of images, (B, 3, S, S), or of what `prepare` returned."""
        return super().forward(images) if images.ndim == 4 else self.encode(images)
