"""Where an image shows an attribute or a distortion: one map over the whole image.

    saliency(model, image, attribute=3)                          # (H, W, 3) uint8 → SaliencyMap
    saliency(model, image, distortion=0, method="occlusion")

The target is a logit difference l⁺ − l⁻, s·(t⁺−t⁻)ᵀv (Eq. 6 before its sigmoid, whose slope is
nearly 0 where the model is sure); for a distortion the sum of its attributes' by the weights of
Eq. 7. Shapes: C crops of the image, S side of a crop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.encoders.protocol import Tower
from workbench.errors import ConfigError, ShapeError, UnknownNameError
from workbench.inference.quality_model import require_pixels
from workbench.inference.rollout import patch_relevance, recorded_attention
from workbench.training.crops import grid_crops
from workbench.training.modules import PromptedTower
from workbench.training.tuned_model import TunedModel

Method = Literal["gradient_rollout", "rollout", "occlusion"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class SaliencyMap:
    """A map over an image, and what it is a map of.

    Attributes:
        values: (H, W), float32 in [0, 1]; the largest is 1 unless nothing speaks for the target.
        cells: What the method computed, per crop and patch, (C, S/patch, S/patch), float32, in its
            own unit; below 0 the patch speaks against the target (occlusion alone).
        cell: Side of a patch in pixels: nothing finer than this is known.
        logit: The target's value, mean over the crops.
        probability: The attribute's probability or the distortion's strength, as scoring gives it.
        target: What is mapped, in words.
        method: One of METHODS.
    """

    values: np.ndarray
    cells: np.ndarray
    cell: int
    logit: float
    probability: float
    target: str
    method: Method

    @property
    def resolution(self) -> str:
        """What the map can resolve, in words."""
        _, rows, columns = self.cells.shape
        return f"{rows}x{columns} cells of {self.cell} px in each view"


def saliency(
    model: TunedModel,
    image: np.ndarray,
    *,
    attribute: int | None = None,
    distortion: int | None = None,
    method: Method = "gradient_rollout",
    reference: np.ndarray | None = None,
    target: str = "",
) -> SaliencyMap:
    """Return where an image shows an attribute, or a distortion.

    Args:
        model: Tuned or not.
        image: (H, W, 3), uint8, RGB, at least as large as the encoder's crop.
        attribute: Index of the attribute, in 0..A-1; or
        distortion: index of the distortion, in 0..D-1.
        method: "gradient_rollout" (Chefer et al. 2021), "rollout" (Abnar & Zuidema 2020, which
            knows no target) or "occlusion" (Zeiler & Fergus 2014).
        reference: The image before distortion, same shape; occlusion then fills a patch from it
            instead of with its crop's mean colour, which is a distortion too.
        target: Its name for people; without, its index.

    Raises:
        ConfigError: Not exactly one of attribute and distortion; no such index; attention that
            cannot be read.
        ShapeError: Not (H, W, 3) uint8, or smaller than a crop, or the reference differs.
        UnknownNameError: No such method.
    """
    require_pixels(image)
    _require_method(method, image, reference)
    weights, words = _target(model, attribute, distortion)
    model.tower.eval()
    size, cell = model.encoder.tower.image_size, model.encoder.tower.patch_size
    crops = grid_crops(image, size)
    if method == "occlusion":
        filling = mean_colour(crops) if reference is None else grid_crops(reference, size)
        cells = occluded(target_logit(model, weights), crops, filling, cell)
    else:
        cells = _rollout_cells(model, crops, weights, gradients=method == "gradient_rollout")
    with torch.no_grad():
        logits = _crop_logits(model, crops)  # (C, A)
        probabilities = logits.sigmoid().mean(0) @ weights
    return SaliencyMap(
        values=_over_image(cells, image.shape[:2], size),
        cells=cells.cpu().numpy(),
        cell=cell,
        logit=float((logits @ weights).mean()),
        probability=float(probabilities),
        target=target or words,
        method=method,
    )


def as_method(name: str) -> Method:
    """Return a method by its name; raises an UnknownNameError."""
    for method in METHODS:
        if method == name:
            return method
    raise UnknownNameError("method", name, METHODS)


def target_logit(model: TunedModel, weights: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the function from crops, (B, 3, S, S) uint8, to a target's logits, (B,).

    The target is a weight for each attribute, (A,); see `attribute_weights`.
    """

    @torch.no_grad()
    def logit(crops: Tensor) -> Tensor:
        return _crop_logits(model, crops) @ weights

    return logit


def attribute_weights(
    model: TunedModel, *, attribute: int | None = None, distortion: int | None = None
) -> Tensor:
    """Return the target as a weight for each attribute, (A,): one of them, or Eq. 7's."""
    return _target(model, attribute, distortion)[0]


def occluded(
    score: Callable[[Tensor], Tensor], crops: Tensor, filling: Tensor, cell: int
) -> Tensor:
    """Return how far the score falls if a cell is filled with something else.

    Args:
        score: Crops, (B, 3, S, S) uint8, to (B,).
        crops: (C, 3, S, S), uint8.
        filling: What cells are filled with, (C, 3, S, S), uint8: the mean colour, or a reference.
        cell: Side of a cell in pixels; S is a multiple.

    Returns:
        (C, S/cell, S/cell), float32; below 0 where the score rises.

    Example:
        >>> crops = torch.full((1, 1, 2, 2), 80, dtype=torch.uint8)
        >>> occluded(lambda crops: crops[:, 0, 0, 0].float(), crops, mean_colour(crops) // 4, 1)
        tensor([[[60.,  0.],
                 [ 0.,  0.]]])
    """
    side = crops.shape[-1] // cell
    rows = []
    for crop, other in zip(crops, filling, strict=True):
        filled = crop.expand(side * side, -1, -1, -1).clone()  # (side², 3, S, S)
        for index in range(side * side):
            top, left = cell * (index // side), cell * (index % side)
            window = (slice(None), slice(top, top + cell), slice(left, left + cell))
            filled[index][window] = other[window]
        rows.append(score(crop[None]) - score(filled))
    return torch.stack(rows).reshape(-1, side, side).float()


def mean_colour(crops: Tensor) -> Tensor:
    """Return crops of the same size, each all in its own mean colour; uint8 in and out."""
    return crops.float().mean((2, 3), keepdim=True).round().to(torch.uint8).expand_as(crops)


def _crop_logits(model: TunedModel, crops: Tensor) -> Tensor:
    """Return the logit difference of every attribute, (B, A), of crops, (B, 3, S, S) uint8."""
    inputs = model.encoder.tower.prepare(model.encoder.normalise(crops))
    embeddings = F.normalize(model.tower(inputs).float(), dim=-1)  # (B, E)
    return model.scale * embeddings @ (model.pairs[:, 0] - model.pairs[:, 1]).T


def _require_method(method: str, image: np.ndarray, reference: np.ndarray | None) -> None:
    as_method(method)
    if reference is None:
        return
    if method != "occlusion":
        raise ConfigError(f"The method '{method}' takes no reference; only 'occlusion' does.")
    if reference.shape != image.shape or reference.dtype != np.uint8:
        raise ShapeError(
            f"The reference is {reference.shape} {reference.dtype}, the image {image.shape} "
            "uint8; give the image before distortion, in the same size."
        )


def _target(model: TunedModel, attribute: int | None, distortion: int | None) -> tuple[Tensor, str]:
    if (attribute is None) == (distortion is None):
        raise ConfigError("A saliency map is of one attribute or of one distortion: name either.")
    weights, groups = model.head.weights().detach(), model.head.groups
    if attribute is not None:
        _require_index("attribute", attribute, len(groups))
        one_hot = torch.zeros_like(weights)
        one_hot[attribute] = 1.0
        return one_hot, f"attribute {attribute}"
    _require_index("distortion", distortion or 0, model.head.distortions)
    return weights * (groups == distortion), f"distortion {distortion}"


def _require_index(kind: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise ConfigError(f"The model has {count} {kind}s, numbered from 0: there is no {index}.")


def _rollout_cells(model: TunedModel, crops: Tensor, weights: Tensor, *, gradients: bool) -> Tensor:
    """Return the relevance of each patch, (C, S/patch, S/patch), ≥ 0."""
    tower = model.tower if isinstance(model.tower, Tower) else model.encoder.tower
    prompts = model.tower.prompts if isinstance(model.tower, PromptedTower) else None
    with torch.enable_grad(), recorded_attention(tower.blocks) as attentions:
        score = (_crop_logits(model, crops) @ weights).sum()
    image_tokens = attentions[0].shape[-1] - (0 if prompts is None else prompts.shape[1])
    blocks = range(len(tower.blocks))
    relevance = patch_relevance(
        score, attentions, image_tokens=image_tokens, gradients=gradients,
        new_prompts=[prompts is not None and 0 < block < len(prompts) for block in blocks],
    )  # fmt: skip
    side = tower.image_size // tower.patch_size
    return relevance[:, image_tokens - side * side :].reshape(-1, side, side)


def _over_image(cells: Tensor, shape: tuple[int, int], size: int) -> np.ndarray:
    """Return one map of an image, (H, W), float32 in [0, 1], from those of its crops."""
    numbers = np.arange(shape[0] * shape[1]).reshape(*shape, 1)
    pixels = grid_crops(numbers, size).flatten()  # pixel of the image, for each pixel of each crop
    finer = F.interpolate(cells.clamp_min(0)[:, None].cpu(), (size, size), mode="bilinear")
    summed = torch.zeros(numbers.size).index_add(0, pixels, finer.flatten())
    counted = torch.zeros(numbers.size).index_add(0, pixels, torch.ones(len(pixels)))
    values = (summed / counted).reshape(shape)
    # Not stretched from the least, or a flat map would not look flat.
    most = values.max()
    return (values / most if most > 0 else values).numpy()
