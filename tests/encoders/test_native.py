"""A frozen block's own path gives what open_clip's block gives."""

import pytest
import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import nn

from workbench.encoders.native import without_gradient


@pytest.mark.parametrize("activation", [QuickGELU, nn.GELU])
@pytest.mark.parametrize("layer_scale", [None, 0.5])
@pytest.mark.parametrize("queries", [1, 7])
def test_it_gives_what_the_block_gives(activation, layer_scale, queries):
    torch.manual_seed(0)
    block = ResidualAttentionBlock(48, 4, 4.0, layer_scale, activation).eval().double()
    nn.init.normal_(block.attn.in_proj_bias)
    nn.init.normal_(block.attn.out_proj.bias)
    tokens = torch.randn(3, 7, 48, dtype=torch.float64)
    with torch.no_grad():
        ours, theirs = without_gradient(block, tokens, queries), block(tokens)[:, :queries]
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
