"""A model taken elsewhere: its folder, and its scoring path as ONNX.

Shapes: B crops of one image, S side of a crop, A attributes, D distortions, E embedding.
"""

import shutil
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.encoders.statistics_tower import StatisticsTower
from workbench.errors import ConfigError
from workbench.inference.model_files import ONNX, read_model, replaced_model_folder
from workbench.inference.quality_model import QualityModel, load_model
from workbench.settings import Settings
from workbench.training.modules import attribute_log_odds
from workbench.training.tuned_model import clipped

OPSET = 20
OUTPUTS = ("attributes", "strengths", "quality")


def export_model(
    source: Path, out: Path, settings: Settings, *, onnx: bool = False, force: bool = False
) -> tuple[Path, ...]:
    """Copy a saved model atomically, after a check; return the files of the new folder, sorted.

    With `onnx` its scoring path is written too; `force` replaces an existing model.

    Raises:
        CheckpointMismatchError: The model is damaged.
        ConfigError: Something is there already, or ONNX needs a library that is not installed.
        RunError: It cannot be written.
    """
    if out.exists() and not force:
        raise ConfigError(f"{out} exists already. Name a new folder, or replace it with --force.")
    read_model(source)
    with replaced_model_folder(out) as partial:
        shutil.copytree(source, partial, dirs_exist_ok=True)
        (partial / ONNX).unlink(missing_ok=True)
        if onnx:
            write_onnx(load_model(source, settings), partial / ONNX)
    return tuple(sorted(out.iterdir()))


def write_onnx(model: QualityModel, file: Path) -> None:
    """Write the scoring path as ONNX: "crops", (B, 3, S, S) uint8, to `OUTPUTS`.

    A model that reads the whole image too takes "whole", (1, 3, S, S) uint8, beside its crops.

    Raises:
        ConfigError: `onnxscript` is not installed.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as fault:
        raise ConfigError(
            "Writing ONNX needs two more libraries: pip install onnx onnxscript."
        ) from fault
    path = deepcopy(ScoringPath(model)).cpu().eval()
    size = model.tuned.encoder.tower.image_size
    counts = (2, 1) if model.card.regressor.reads_whole_image else (2,)
    views = tuple(torch.zeros(count, 3, size, size, dtype=torch.uint8) for count in counts)
    with torch.no_grad():
        # Strictly, since len() of a tensor would else fix the number of crops to that of these.
        shapes = ({0: torch.export.Dim("crops", min=1)}, None)[: len(views)]
        program = torch.export.export(path, views, dynamic_shapes=shapes, strict=True)
        torch.onnx.export(
            program, views, file, dynamo=True, external_data=False, verbose=False,
            opset_version=OPSET, optimize=False, input_names=["crops", "whole"][: len(views)],
            output_names=list(OUTPUTS),
        )  # fmt: skip


class ScoringPath(nn.Module):
    """All that scoring computes of the views of one image, in one module on the CPU."""

    black: Tensor
    white: Tensor
    pairs: Tensor
    centre: Tensor
    spread: Tensor
    quality_scale: Tensor

    def __init__(self, model: QualityModel) -> None:
        super().__init__()
        tuned, regressor = model.tuned, model.regressor
        self.config, self.scale = model.card.regressor, tuned.scale
        self.untuned, self.tower, self.head = tuned.encoder.tower, tuned.tower, tuned.head
        self.network = regressor.network
        ends = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 3, 1, 1)
        black, white = tuned.encoder.normalise(ends)  # (3, 1, 1) each
        self.register_buffer("black", black)
        self.register_buffer("white", white)
        self.register_buffer("pairs", tuned.pairs)
        self.register_buffer("centre", regressor.centre)
        self.register_buffer("spread", regressor.spread)
        scale = torch.tensor([regressor.quality_spread, regressor.quality_centre])
        self.register_buffer("quality_scale", scale)

    def forward(self, crops: Tensor, whole: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return probabilities, (A,), strengths, (D,), and quality, (), of one image.

        Its crops, (B, 3, S, S), uint8, are those of `grid_crops`; the whole image, (1, 3, S, S),
        where the regressor reads it, is that of `whole_view`.
        """
        views = crops if whole is None else torch.cat([crops, whole])
        inputs = self._prepared(self.black + views.float() / 255 * (self.white - self.black))
        embeddings = F.normalize(self.tower(inputs).float(), dim=-1)  # (B, E), or (B + 1, E)
        log_odds = attribute_log_odds(embeddings, self.pairs, scale=self.scale)
        each = torch.sigmoid(log_odds)
        attributes = each[: len(crops)].mean(0, keepdim=True)  # (1, A)
        strengths = self.head(attributes)  # (1, D)
        read = clipped(log_odds) if self.config.reads_log_odds else each
        of_views = [read[: len(crops)].mean(0, keepdim=True), read[len(crops) :]]
        regressor_inputs = {
            "attributes": torch.cat(of_views).reshape(1, -1),  # (1, V·A)
            "strengths": strengths,
            "embedding": embeddings[: len(crops)].mean(0, keepdim=True),
        }[self.config.given]
        quality_spread, quality_centre = self.quality_scale
        standard = (regressor_inputs - self.centre) / self.spread
        quality = self.network(standard)[0, 0] * quality_spread + quality_centre
        return attributes[0], strengths[0], quality.clamp(0, 1)

    def _prepared(self, images: Tensor) -> Tensor:
        if not isinstance(self.untuned, StatisticsTower):
            return images
        # What `prepare` computes, without its cache and its loop over parts of the batch; it
        # stores statistics in half precision, and so does this.
        statistics: Tensor = self.untuned.visual.conv1.statistics_of_batch(images)
        return statistics.half().float()
