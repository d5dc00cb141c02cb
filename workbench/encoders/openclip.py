"""Any open_clip model by name, with the weights of a tag, of a local file, or at random."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from huggingface_hub import try_to_load_from_cache
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from workbench.domain.config import EncoderConfig
from workbench.domain.run import EncoderFacts
from workbench.encoders.native import NativeTower, unsuitable
from workbench.encoders.protocol import Encoder, Tower
from workbench.errors import ConfigError, UnknownNameError
from workbench.hub import hub_reachable
from workbench.settings import Settings


class TimmTower(Tower):
    """A tower over open_clip's `TimmModel` with a timm `VisionTransformer`, which it shares."""

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual
        patches = visual.trunk.patch_embed
        self.image_size = patches.img_size[0]  # open_clip's configuration may state another one
        # Behind a convolutional stem, `patch_size` counts the stem's cells: 1, not 16.
        self.patch_size = self.image_size // patches.grid_size[0]
        self.width = visual.trunk.embed_dim
        self.class_tokens = visual.trunk.num_prefix_tokens

    @property
    def blocks(self) -> nn.ModuleList:
        """See `Tower.blocks`."""
        return nn.ModuleList(self.visual.trunk.blocks)  # made anew: weights keep one name each

    def embed(self, images: Tensor) -> Tensor:
        """See `Tower.embed`."""
        trunk = self.visual.trunk
        tokens = trunk._pos_embed(trunk.patch_embed(images))
        return trunk.norm_pre(trunk.patch_drop(tokens))  # type: ignore[no-any-return]

    def admit(self, tokens: Tensor) -> Tensor:
        """See `Tower.admit`; SigLIP and MobileCLIP-B have no norm there."""
        return self.visual.trunk.norm_pre(tokens)  # type: ignore[no-any-return]

    def pool(self, tokens: Tensor) -> Tensor:
        """See `Tower.pool`."""
        trunk = self.visual.trunk
        return self.visual.head(trunk.forward_head(trunk.norm(tokens)))  # type: ignore[no-any-return]


def trunk_class(name: str) -> type[nn.Module]:
    """Return the class of a timm model, by timm's name, without creating its weights.

    Example:
        >>> trunk_class("vit_base_patch16_siglip_224").__name__
        'VisionTransformer'
    """
    with torch.device("meta"):
        return type(timm.create_model(name))


def takes_prompts(trunk: type[nn.Module]) -> bool:
    """Return whether a timm model's blocks take any number of tokens, whatever their positions.

    Others have no tokens (ConvNeXt, FastViT), or tie each to its position in every block (EVA and
    PE by rotary embeddings, Swin by windows, relative positions).
    """
    return issubclass(trunk, timm.models.VisionTransformer)


DEFAULT = EncoderConfig(name="ViT-B-32-quickgelu", pretrained="openai")  # METHOD §1.6

# open_clip 3.3, `open_clip/constants.py`: what a hub repository calls its weights, safest first.
WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def load_open_clip(
    config: EncoderConfig, settings: Settings, *, seed: int, device: torch.device
) -> Encoder:
    """Return an open_clip model as an encoder.

    SigLIP's `logit_bias` plays no part: Eq. 6 takes the difference of two logits of one image, and
    the bias is the same in both.

    Args:
        config: A name of `open_clip.list_models()`; weights by tag, by path, or None for random.
        settings: Says whether the hub may be used.
        seed: Decides random weights; the caller's random state stays as it was.
        device: Where it computes.

    Raises:
        UnknownNameError: No such model, or no such tag of it.
        ConfigError: It has no tokens to tune, or its weights or its tokeniser are unavailable or
            unreadable.
    """
    name = config.name.replace("/", "-")  # open_clip's own spelling of 'ViT-B/32'
    _check_architecture(name)
    tokenizer = _tokenizer(name, settings)
    weights, preprocessing = _weights(name, config.pretrained, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _created(name, weights, preprocessing)
    tower = open_tower(name, model.visual)
    return Encoder(
        _facts(name, config.pretrained, tower),
        model=model,
        tower=tower,
        tokenise=tokenizer,
        count_tokens=token_counter(tokenizer),
        context_length=tokenizer.context_length,
        mean=model.visual.image_mean,
        std=model.visual.image_std,
        logit_scale=model.logit_scale.detach().exp().item(),
        default_polarity="not",
        device=device,
    )


def open_tower(name: str, visual: Any) -> Tower:
    """Return an open_clip model's image tower, opened for prompts; the name is for the message.

    Raises:
        ConfigError: Prompts cannot join its tokens, or it has none.
    """
    if isinstance(visual, VisionTransformer):
        return NativeTower(visual)
    if not isinstance(visual, TimmModel):
        raise unsuitable(name, f"a {type(visual).__name__} image tower")
    _check_trunk(name, type(visual.trunk))
    return TimmTower(visual)


def token_counter(tokenizer: Any) -> Callable[[list[str]], list[int]]:
    """Return the function that counts tokens of sentences, special ones included, before any cut.

    The tokenizer is open_clip's own or its wrapper of one of the transformers library.
    """
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        # A start and an end token join the words' tokens (open_clip 3.3, `SimpleTokenizer`).
        return lambda sentences: [len(tokenizer.encode(text)) + 2 for text in sentences]
    return lambda sentences: [
        len(row)
        for row in tokenizer.tokenizer(
            [tokenizer.clean_fn(text) for text in sentences],
            verbose=False,  # or it warns of what is too long: the reason to count
        ).input_ids
    ]


def cached_weights(name: str, tag: str) -> Path | None:
    """Return the file of a tag's weights if the hub's local cache holds it."""
    address = (open_clip.get_pretrained_cfg(name, tag) or {}).get("hf_hub", "")
    repository, _, file = address.rpartition("/")
    if not repository:
        return None
    candidates = (Path(file).with_suffix(".safetensors").name, file) if file else WEIGHT_FILES
    paths = (try_to_load_from_cache(repository, candidate) for candidate in candidates)
    return next((Path(path) for path in paths if isinstance(path, str)), None)


def _check_architecture(name: str) -> None:
    known = open_clip.list_models()
    if name not in known:
        raise UnknownNameError("encoder", name, ["auto", "dinov2", "offline", *known])
    config = open_clip.get_model_config(name)
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "timm_model_name" in vision:
        _check_trunk(name, trunk_class(vision["timm_model_name"]))
    elif isinstance(vision["layers"], list):
        raise unsuitable(name, "a ResNet image tower without tokens")
    if "hf_model_name" in text:
        raise unsuitable(name, f"the text tower '{text['hf_model_name']}'")


def _check_trunk(name: str, trunk: type[torch.nn.Module]) -> None:
    if not takes_prompts(trunk):
        raise unsuitable(name, f"timm's {trunk.__name__} as its image tower")


def _tokenizer(name: str, settings: Settings) -> Any:
    source = open_clip.get_model_config(name)["text_cfg"].get("hf_tokenizer_name")
    if source is None:
        return open_clip.get_tokenizer(name)
    if find_spec("transformers") is None:
        raise ConfigError(
            f"Encoder '{name}' reads texts by the tokeniser '{source}', which needs the "
            "transformers library: install 'attribute-workbench[siglip]', or take an encoder with "
            "CLIP's own tokeniser, such as 'MobileCLIP2-B'."
        )
    try:
        return open_clip.get_tokenizer(name, local_files_only=not hub_reachable(settings))
    except Exception as error:  # many kinds, one meaning: it is neither cached nor to be fetched
        raise ConfigError(
            f"The tokeniser '{source}' of {name} is not in the local cache and could not be "
            f"fetched ({_line(error)}): load the encoder once where the model hub can be reached, "
            "or take an encoder with CLIP's own tokeniser, such as 'MobileCLIP2-B'."
        ) from error


def _weights(
    name: str, pretrained: str | None, settings: Settings
) -> tuple[Path | None, dict[str, Any]]:
    """Return the weights' file, or None, and the mean and std they were trained with."""
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained is None:
        return None, _preprocessing(name, tags)
    if pretrained in tags:
        return _tagged(name, pretrained, settings), _preprocessing(name, [pretrained])
    if Path(pretrained).is_file():
        return Path(pretrained), _preprocessing(name, tags)
    if Path(pretrained).suffix or len(Path(pretrained).parts) > 1:
        raise ConfigError(
            f"No checkpoint at {pretrained}; known tags of {name}: {', '.join(tags)}."
        )
    raise UnknownNameError(f"weights of {name}:", pretrained, tags)


def _preprocessing(name: str, tags: list[str]) -> dict[str, Any]:
    """Return the mean and std that all tags of a model share; else nothing, for open_clip's own."""
    stated = [open_clip.get_pretrained_cfg(name, tag) for tag in tags]
    values = [{key: tag[key] for key in ("mean", "std") if key in tag} for tag in stated]
    return values[0] if values and all(value == values[0] for value in values) else {}


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


def _facts(name: str, pretrained: str | None, tower: Tower) -> EncoderFacts:
    return EncoderFacts(
        name=name,
        weights=pretrained or "random",
        trained=pretrained is not None,
        image_size=tower.image_size,
        embedding_width=open_clip.get_model_config(name)["embed_dim"],
        image_parameters=sum(parameter.numel() for parameter in tower.parameters()),
        note="" if pretrained else "random weights: for tests of the machinery, not for answers",
    )


def _line(error: Exception, limit: int = 160) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else f"{text[:limit]}…"
