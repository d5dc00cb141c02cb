"""A really small encoder with random weights, attributes for it, and images that it can tell."""

import numpy as np
import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP

from workbench.domain.attributes import AttributeSet
from workbench.domain.config import TuningConfig
from workbench.domain.run import EncoderFacts
from workbench.encoders import Encoder
from workbench.encoders.openclip import open_tower
from workbench.training.loop import tune
from workbench.training.prompt_pairs import EncodedAttributes
from workbench.training.tuned_model import Examples

ATTRIBUTES = AttributeSet.from_phrases(
    {"blur": ["soft edges", "hazy look"], "noise": ["grain", "speckle"]}
)
VISION = CLIPVisionCfg(image_size=32, patch_size=8, width=32, layers=3, head_width=16)
TEXT = CLIPTextCfg(width=16, heads=1, layers=1, vocab_size=64, context_length=8)
WIDTH, GROUPS = 16, torch.tensor([0, 0, 1, 1, 1])


def small_encoder(name="small"):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CustomTextCLIP(WIDTH, VISION, TEXT)
    return Encoder(
        EncoderFacts(
            name=name, weights="random", trained=False, image_size=VISION.image_size,
            embedding_width=WIDTH,
            image_parameters=sum(parameter.numel() for parameter in model.visual.parameters()),
        ),
        model=model,
        tower=open_tower(name, model.visual),
        tokenise=lambda texts: torch.tensor([[len(text) % 64] * 8 for text in texts]),
        count_tokens=lambda texts: [8] * len(texts),
        context_length=8,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        logit_scale=10.0,
        default_polarity="not",
        device=torch.device("cpu"),
        threads=1,
    )  # fmt: skip


def small_pairs(seed=0):
    """Return five made-up attributes of two distortions, encoded."""
    drawn = torch.randn(5, 2, WIDTH, generator=torch.Generator().manual_seed(seed))
    return EncodedAttributes(torch.nn.functional.normalize(drawn, dim=-1), GROUPS)


def grainy(count=10, height=40, width=48):
    """Return grey images, (N, H, W, 3), every other one with strong grain, and strengths."""
    rng = np.random.default_rng(0)
    images = np.full((count, height, width, 3), 128, dtype=np.uint8)
    images[1::2] += rng.integers(0, 90, images[1::2].shape, dtype=np.uint8)
    strengths = np.zeros((count, 2), dtype=np.float32)
    strengths[1::2, 1] = 1
    return Examples(images, strengths)


def silent(share, text):
    """Tell nobody."""


def tuned(
    encoder, *, pairs=None, examples=None, seed=0, progress=silent, validation=None, start=None,
    checkpoint=None, facts=None, **fields,
):  # fmt: skip
    """Tune for three epochs of three steps, or as the fields say."""
    config = TuningConfig(
        **{"prompts": 4, "epochs": 3, "crops": 1, "batch_size": 4, "learning_rate": 0.01, **fields}
    )
    return tune(
        encoder, pairs or small_pairs(), Examples(*(examples or grainy())), config,
        seed=seed, progress=progress, start=start, checkpoint=checkpoint, facts=facts,
        validation=validation and Examples(*validation),
    )  # fmt: skip
