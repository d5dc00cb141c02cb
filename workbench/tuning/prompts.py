"""Visual prompts: learned tokens that join the image's own (METHOD §1.6 and §1.7)."""

from typing import Literal

import torch
from torch import Tensor, nn

from workbench.encoders import Tower


class PromptedTower(nn.Module):
    """A frozen tower with P prompt tokens at its input (shallow) or at every block (deep).

    Shapes: B images, N patches, P prompts, W width, E embedding, L blocks.

    Prompts are appended after the patches and enter through the norm before the first block with
    a zero positional embedding, N(0, 1) at first, as the paper's own reference has them. In deep
    mode each later block gets fresh ones and drops the old. Only [CLS, patches] are pooled.

    Args:
        tower: The tower; it is called, never changed.
        mode: "shallow" or "deep".
        prompts: P; with 0 the tower is as it was.
    """

    def __init__(self, tower: Tower, mode: Literal["shallow", "deep"], prompts: int) -> None:
        super().__init__()
        self._tower = (tower,)  # in a tuple: its parameters are not this module's
        layers = len(tower.blocks) if mode == "deep" else 1
        device = next(tower.parameters()).device
        self.prompts = nn.Parameter(torch.randn(layers, prompts, tower.width).to(device))

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings, (B, E), of normalised images, (B, 3, S, S)."""
        (tower,) = self._tower
        own = tower.embed(images)  # (B, 1+N, W)
        count = own.shape[1]
        joined = tower.admit(self.prompts[0]).expand(len(own), -1, -1)  # (B, P, W)
        for layer, block in enumerate(tower.blocks):
            if 0 < layer < len(self.prompts):
                joined = self.prompts[layer].expand(len(own), -1, -1)
            tokens = block(torch.cat([own, joined], dim=1))  # (B, 1+N+P, W)
            own, joined = tokens[:, :count], tokens[:, count:]
        return tower.pool(own)
