"""What tuning and scoring cost beside the bare tower.

    python benchmarks/bench_tuning.py

ViT-B-32 has random weights, which cost the same arithmetic; the offline encoder reads crops whose
statistics are remembered, as they are from the second epoch on. Both sides of a row take turns on
the same batch in one process and on one thread, and the medians of their processor time are
compared: other work on the machine plays no part. A ratio is ours / reference, unless a target
asks for more than the reference.
"""

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from workbench.domain.attributes import AttributeSet
from workbench.domain.config import EncoderConfig, TuningConfig
from workbench.encoders import Encoder, load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.settings import read_settings
from workbench.training.crops import grid_crops, random_crops
from workbench.training.epochs import EpochTraining
from workbench.training.loop import tune, untrained_model
from workbench.training.prompt_pairs import encode_attributes
from workbench.training.tuned_model import Examples, TunedModel, resolve_precision

Work = Callable[[], object]

PROMPTS, MEGABYTE = 16, 2**20
BATCH = {"ViT-B-32-quickgelu": 16, "offline": 32}
# glibc then gives freed tensors back at once, so that what loading has left plays no part.
ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": "65536"}
LONG = 1  # repeats of what takes tens of seconds, after one round to warm up
ATTRIBUTES = AttributeSet.from_phrases(
    {name: [f"{name} trace {k}" for k in range(5)] for name in ("blur", "jpeg", "noise", "darken")}
)


def rows() -> list[dict[str, Any]]:
    """Return the rows of both encoders."""
    return list(measured())


def measured() -> Iterator[dict[str, Any]]:
    """Yield each row as soon as it is there."""
    for name in BATCH:
        if name != "offline":  # whose step takes less than loading its texts' tower has taken
            yield memory(name)
        encoder = load_encoder(EncoderConfig(name=name), read_settings(), seed=0)
        with computing_threads(1):
            yield from steps(encoder)
            yield from scoring(encoder)
            yield epoch(encoder)
            if name != "offline":
                yield with_checkpoint(encoder)
                yield precisions(encoder)


def steps(encoder: Encoder) -> list[dict[str, Any]]:
    """One training step, against the bare tower and the frozen one over as many tokens."""
    crops, targets = batch_of(encoder)
    ours = training_step(encoder, crops, targets)
    inputs = encoder.normalise(crops)
    count = encoder.tower.embed(prepared(encoder, crops[:1])).shape[1]
    what = f"{encoder.facts.name}: training step, batch of {len(crops)}, {PROMPTS} shallow prompts"
    tuned_s, bare_s, frozen_s = interleaved(
        ours, bare_step(encoder, inputs), frozen_step(encoder, inputs, count + PROMPTS)
    )
    return [
        compared(what, tuned_s, f"bare forward and backward, {count} tokens", bare_s, "<= 1.1"),
        compared(what, tuned_s, f"frozen tower, {count + PROMPTS} tokens", frozen_s, "<= 1.1"),
    ]


def scoring(encoder: Encoder) -> list[dict[str, Any]]:
    """Probabilities of images, against the bare forward pass of their crops."""
    model, images = model_of(encoder), pictures(4, 448)
    crops = torch.cat([grid_crops(image, encoder.tower.image_size) for image in images])
    plain = TunedModel(encoder, encoder.tower, model.head, model.pairs, model.scale)
    inputs = encoder.normalise(crops)
    count = encoder.tower.embed(prepared(encoder, crops[:1])).shape[1]
    frozen = torch.no_grad()(frozen_step(encoder, inputs, count + PROMPTS, backward=False))
    visual = untouched(encoder)
    bare = torch.no_grad()(lambda: visual(prepared(encoder, crops)))
    tuned_s, plain_s, frozen_s, bare_s = interleaved(
        lambda: model.probabilities(images), lambda: plain.probabilities(images), frozen, bare
    )
    what = f"{encoder.facts.name}: scoring, {len(crops)} crops"
    prompted = f"{what}, {PROMPTS} prompts"
    reference = f"open_clip's own forward, {count} tokens"
    return [
        compared(f"{what}, no prompts", plain_s, reference, bare_s, "<= 1.1"),
        compared(prompted, tuned_s, f"forward, {count + PROMPTS} tokens", frozen_s, "<= 1.1"),
        compared(prompted, tuned_s, reference, bare_s, "<= 1.1"),
    ]


def epoch(encoder: Encoder) -> dict[str, Any]:
    """An epoch of `tune`, against one that decodes every PNG and encodes the texts each step."""
    size = BATCH[encoder.facts.name] // 2
    images, count = pictures(size, 384), 2
    strengths = np.random.default_rng(0).random((size, 4)).astype(np.float32)
    examples = Examples(images, strengths)
    encoded = encode_attributes(encoder, ATTRIBUTES)
    config = TuningConfig(prompts=PROMPTS, crops=count, epochs=1, batch_size=size)
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.png" for number in range(size)]
        for image, file in zip(images, files, strict=True):
            Image.fromarray(image).save(file)

        def plain() -> None:
            model = model_of(encoder)
            optimizer = torch.optim.AdamW(model.trained().values())
            for _ in range(count):
                decoded = [np.asarray(Image.open(file).convert("RGB")) for file in files]
                crops = random_crops(
                    decoded, torch.arange(size), encoder.tower.image_size, torch.Generator()
                )
                model.pairs.copy_(encode_attributes(encoder, ATTRIBUTES)[0])
                optimizer.zero_grad()
                model.loss(crops, torch.from_numpy(strengths)).backward()
                optimizer.step()

        def ours() -> None:
            tune(encoder, encoded, examples, config, seed=0, progress=silent)

        ours_s, plain_s = interleaved(ours, plain, repeats=LONG)
    what = f"epoch of {count * size} crops of 384 px, {ATTRIBUTES.size} attributes"
    return compared(
        f"{encoder.facts.name}: {what}",
        ours_s, "loop that decodes PNG and encodes texts each step", plain_s, ">= 2",
    )  # fmt: skip


def precisions(encoder: Encoder) -> dict[str, Any]:
    """One training step in bf16, against fp32; where it gains too little, "auto" takes fp32."""
    crops, targets = batch_of(encoder)
    rough_s, exact_s = interleaved(
        training_step(encoder, crops, targets, precision="bf16"),
        training_step(encoder, crops, targets),
        repeats=LONG,
    )
    chosen = resolve_precision("auto", encoder.device)
    what = f"{encoder.facts.name}: training step in bf16; 'auto' takes {chosen}"
    row = compared(what, rough_s, "fp32", exact_s, ">= 2")
    return row if chosen == "bf16" else {**row, "target": "< 2", "holds": not row["holds"]}


def with_checkpoint(encoder: Encoder) -> dict[str, Any]:
    """An epoch with its checkpoint, against one without."""
    size = BATCH[encoder.facts.name] // 4
    images = pictures(size, 256)
    strengths = np.random.default_rng(0).random((size, 4)).astype(np.float32)
    examples = Examples(images, strengths)
    encoded = encode_attributes(encoder, ATTRIBUTES)
    # Two epochs: the last one keeps none, since nothing is left to resume.
    config = TuningConfig(prompts=PROMPTS, crops=1, epochs=2, batch_size=size)
    with TemporaryDirectory() as folder:

        def trained(file: Path | None) -> None:
            tune(encoder, encoded, examples, config, seed=0, progress=silent, checkpoint=file)

        with_s, without_s = interleaved(
            lambda: trained(Path(folder) / "kept"), lambda: trained(None)
        )
    return compared(
        f"{encoder.facts.name}: two epochs of one step with a checkpoint",
        with_s, "without", without_s, "<= 1.05",
    )  # fmt: skip


def memory(name: str) -> dict[str, Any]:
    """Peak memory of a training step beyond the loaded encoder, each in a process of its own."""
    ours, bare = (
        json.loads(
            subprocess.run(
                [sys.executable, __file__, name, kind],
                capture_output=True,
                check=True,
                text=True,
                env={**os.environ, **ALLOCATION},
            ).stdout
        )
        for kind in ("ours", "bare")
    )
    return {
        "name": f"{name}: peak memory of a training step, batch of {BATCH[name]}",
        "value": round(ours / MEGABYTE),
        "unit": "MB",
        "reference": f"bare forward and backward, {bare / MEGABYTE:.0f} MB",
        "ratio": round(ours / bare, 2),
        "target": "<= 1.15",
        "holds": ours / bare <= 1.15,
    }


def peak_bytes(name: str, kind: str) -> int:
    """Return by how much two steps raise the memory that this process takes, at most."""
    torch.set_num_threads(1)
    encoder = load_encoder(EncoderConfig(name=name), read_settings(), seed=0)
    crops, targets = batch_of(encoder)
    ours = training_step(encoder, crops, targets)
    # Either step begins with crops in bytes, as a bare tower needs them as floats too.
    step = ours if kind == "ours" else lambda: bare_step(encoder, encoder.normalise(crops))()
    # Loading may have taken more than a step does: Linux forgets the peak when 5 is written here.
    Path("/proc/self/clear_refs").write_text("5")
    before = most_bytes()
    for _ in range(2):
        step()
    return most_bytes() - before


def most_bytes() -> int:
    """Return the most memory that this process has taken since the peak was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def model_of(encoder: Encoder, **fields: Any) -> TunedModel:
    """Return a model before its first step."""
    encoded = encode_attributes(encoder, ATTRIBUTES)
    return untrained_model(encoder, encoded, TuningConfig(prompts=PROMPTS, **fields))


def training_step(encoder: Encoder, crops: Tensor, targets: Tensor, **fields: Any) -> Work:
    """Return the loop's own step over a batch."""
    model = model_of(encoder, **fields)
    config = TuningConfig(prompts=PROMPTS, batch_size=len(crops), **fields)
    examples = Examples(pictures(len(crops), 256), targets.numpy())
    training = EpochTraining(model, examples, config, seed=0)
    model.tower.train()
    order = torch.arange(len(crops))
    return lambda: training.step(crops, order, 0)


def bare_step(encoder: Encoder, inputs: Tensor) -> Work:
    """Return forward and backward of the tower with its weights' gradients, and nothing else."""

    def once() -> None:
        encoder.tower.requires_grad_(True)
        encoder.tower(encoder.tower.prepare(inputs)).square().sum().backward()
        encoder.tower.requires_grad_(False)
        for parameter in encoder.tower.parameters():
            parameter.grad = None

    return once


def frozen_step(encoder: Encoder, inputs: Tensor, tokens: int, *, backward: bool = True) -> Work:
    """Return forward, and backward, through the frozen tower over so many tokens."""
    image_tokens = encoder.tower.embed(encoder.tower.prepare(inputs)).detach()
    count = image_tokens.shape[1]
    wide = image_tokens.repeat(1, -(-tokens // count), 1)[:, :tokens].contiguous()
    start = nn.Parameter(torch.zeros(wide.shape[-1]))

    def once() -> None:
        start.grad = None
        encoder.tower.embed(encoder.tower.prepare(inputs))
        values = wide + start
        for block in encoder.tower.blocks:
            values = block(values)
        pooled = encoder.tower.pool(values[:, :count])
        if backward:
            pooled.square().sum().backward()

    return once


def untouched(encoder: Encoder) -> nn.Module:
    """Return a copy of open_clip's image tower without the hooks of the workbench's."""
    visual: Any = copy.deepcopy(encoder.tower.visual)
    for module in visual.modules():
        module._forward_pre_hooks.clear()
    return visual


def prepared(encoder: Encoder, crops: Tensor) -> Tensor:
    """Return what the tower reads of crops."""
    return encoder.tower.prepare(encoder.normalise(crops))


def batch_of(encoder: Encoder) -> tuple[Tensor, Tensor]:
    """Return crops, (B, 3, S, S), and strengths, (B, D)."""
    size = BATCH[encoder.facts.name]
    images = np.stack(pictures(size, encoder.tower.image_size))
    return torch.from_numpy(images).permute(0, 3, 1, 2), torch.rand(size, 4)


def pictures(count: int, size: int) -> list[np.ndarray]:
    """Return noisy slopes, so that decoding takes what it takes for photographs."""
    rng = np.random.default_rng(0)
    slope = np.linspace(0, 200, size)[:, None, None]
    return [(slope + rng.integers(0, 40, (size, size, 3))).astype(np.uint8) for _ in range(count)]


def interleaved(*works: Work, repeats: int = 3) -> list[float]:
    """Return the median processor time of each, taken in turn after one round to warm up."""
    times: list[list[float]] = [[] for _ in works]
    for repeat in range(repeats + 1):
        for work, taken in zip(works, times, strict=True):
            start = time.process_time()
            work()
            if repeat:
                taken.append(time.process_time() - start)
    return [median(taken) for taken in times]


def compared(
    name: str, ours_s: float, reference: str, theirs_s: float, target: str
) -> dict[str, Any]:
    """Return a row; a target of at least so much asks how many times faster ours is."""
    faster = target.startswith(">=")
    ratio = theirs_s / ours_s if faster else ours_s / theirs_s
    limit = float(target.split()[-1]) if target[0] in "<>" else float("nan")
    return {
        "name": name,
        "value": round(1000 * ours_s, 1),
        "unit": "ms",
        "reference": f"{reference}, {1000 * theirs_s:.1f} ms",
        "ratio": round(ratio, 2),
        "target": target,
        "holds": bool(ratio >= limit if faster else ratio <= limit),
    }


def silent(_share: float, _text: str) -> None:
    """Tell nobody."""


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(peak_bytes(*sys.argv[1:]))
    else:
        for row in measured():
            print(row, flush=True)
