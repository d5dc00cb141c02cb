"""Any open_clip model by name, with the weights of a tag, of a local file, or at random."""

from pathlib import Path
from typing import Any

import open_clip
import torch
from huggingface_hub import try_to_load_from_cache

from workbench.domain.run import EncoderConfig, EncoderFacts
from workbench.encoders.base import Encoder
from workbench.encoders.native import native_tower, unsuitable
from workbench.errors import ConfigError, UnknownNameError
from workbench.hub import hub_reachable
from workbench.settings import Settings

DEFAULT = EncoderConfig(name="ViT-B-32-quickgelu", pretrained="openai")  # METHOD §1.6

# open_clip 3.3, `open_clip/constants.py`: what a hub repository calls its weights, safest first.
WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def load_open_clip(
    config: EncoderConfig, settings: Settings, *, seed: int, device: torch.device
) -> Encoder:
    """Return an open_clip model as an encoder.

    Args:
        config: A name of `open_clip.list_models()`; weights by tag, by path, or None for random.
        settings: Says whether the hub may be asked.
        seed: Decides random weights; the caller's random state stays as it was.
        device: Where it computes.

    Raises:
        UnknownNameError: No such model, or no such tag of it.
        ConfigError: It has no tokens to tune, or its weights cannot be had or read.
    """
    name = config.name.replace("/", "-")  # open_clip's own spelling of 'ViT-B/32'
    _check_architecture(name)
    weights, preprocessing = _weights(name, config.pretrained, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _created(name, weights, preprocessing)
    tokenizer = open_clip.get_tokenizer(name)
    return Encoder(
        _facts(name, config.pretrained, model),
        model=model,
        tower=native_tower(name, model.visual),
        tokenise=tokenizer,
        # A start and an end mark join the words' tokens (open_clip 3.3, `SimpleTokenizer`).
        count_tokens=lambda sentences: [len(tokenizer.encode(text)) + 2 for text in sentences],
        context_length=tokenizer.context_length,
        mean=model.visual.image_mean,
        std=model.visual.image_std,
        logit_scale=model.logit_scale.detach().exp().item(),
        default_polarity="not",
        device=device,
    )


def cached_weights(name: str, tag: str) -> Path | None:
    """Return the file of a tag's weights if the hub's local cache holds it."""
    repository, file = _hub_place(name, tag)
    if not repository:
        return None
    candidates = (Path(file).with_suffix(".safetensors").name, file) if file else WEIGHT_FILES
    found = (try_to_load_from_cache(repository, candidate) for candidate in candidates)
    return next((Path(path) for path in found if isinstance(path, str)), None)


def _hub_place(name: str, tag: str) -> tuple[str, str]:
    place = (open_clip.get_pretrained_cfg(name, tag) or {}).get("hf_hub", "")
    repository, _, file = place.rpartition("/")
    return repository, file


def _check_architecture(name: str) -> None:
    known = open_clip.list_models()
    if name not in known:
        raise UnknownNameError("encoder", name, ["auto", "offline", *known])
    config = open_clip.get_model_config(name)
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "timm_model_name" in vision:
        raise unsuitable(name, f"the timm image tower '{vision['timm_model_name']}'")
    if isinstance(vision["layers"], list):
        raise unsuitable(name, "a ResNet image tower without tokens")
    if "hf_model_name" in text or "hf_tokenizer_name" in text:
        raise unsuitable(name, "a text side that only the transformers library can read")


def _weights(
    name: str, pretrained: str | None, settings: Settings
) -> tuple[Path | None, dict[str, Any]]:
    """Return the weights' file, or None, and the mean and std they were trained with."""
    if pretrained is None:
        return None, {}
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained in tags:
        tag = open_clip.get_pretrained_cfg(name, pretrained)
        preprocessing = {key: tag[key] for key in ("mean", "std") if key in tag}
        return _tagged(name, pretrained, settings), preprocessing
    if Path(pretrained).is_file():
        return Path(pretrained), {}
    if Path(pretrained).suffix or len(Path(pretrained).parts) > 1:
        raise ConfigError(
            f"No checkpoint at {pretrained}; known tags of {name}: {', '.join(tags)}."
        )
    raise UnknownNameError(f"weights of {name}:", pretrained, tags)


def _tagged(name: str, tag: str, settings: Settings) -> Path:
    cached = cached_weights(name, tag)
    if cached is not None:
        return cached
    if not hub_reachable(settings):
        raise ConfigError(
            f"The weights '{tag}' of {name} are not in the local cache and the model hub cannot be "
            "reached: give the path of a checkpoint, or take the encoder 'offline'."
        )
    try:
        return Path(open_clip.download_pretrained(open_clip.get_pretrained_cfg(name, tag)))
    except Exception as error:  # many kinds, one meaning: it could not be fetched
        raise ConfigError(
            f"The weights '{tag}' of {name} could not be fetched ({_line(error)}): try again, give "
            "the path of a checkpoint, or take the encoder 'offline'."
        ) from error


def _created(name: str, weights: Path | None, preprocessing: dict[str, Any]) -> Any:
    if weights is None:
        return open_clip.create_model(name, load_weights=False, force_preprocess_cfg=preprocessing)
    try:
        return open_clip.create_model(
            name,
            pretrained=str(weights),
            weights_only=True,  # a pickle that wants to run code is refused
            force_preprocess_cfg=preprocessing,
        )
    except Exception as error:  # a damaged or foreign file can fail in any way
        raise ConfigError(
            f"{weights} holds no weights of {name} that can be read safely ({_line(error)}): give "
            "a state dict of this model as .safetensors or .pt."
        ) from error


def _facts(name: str, pretrained: str | None, model: Any) -> EncoderFacts:
    return EncoderFacts(
        name=name,
        weights=pretrained or "random",
        trained=pretrained is not None,
        image_size=model.visual.image_size[0],
        embedding_width=model.visual.output_dim,
        image_parameters=sum(parameter.numel() for parameter in model.visual.parameters()),
        note="" if pretrained else "random weights: for tests of the machinery, not for answers",
    )


def _line(error: Exception, limit: int = 160) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else f"{text[:limit]}…"
