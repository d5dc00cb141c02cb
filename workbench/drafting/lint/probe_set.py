"""Build the probe: distort, encode, keep on disk; a file for each distortion.

What decides a file is in its name: the encoder and its weights, the photographs, the distortion's
specification and the source of the operators. So nothing is ever out of date, and a new distortion
costs its own images alone.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from workbench.atomic_files import atomic_write
from workbench.datasets.image_reader import READER
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion, effective_strength, operator_of
from workbench.domain.canonical import content_hash
from workbench.domain.distortion import Distortion, Recipe
from workbench.drafting.lint.probe import Probe
from workbench.errors import DataError

if TYPE_CHECKING:
    from workbench.encoders import Encoder

Progress = Callable[[float, str], None]

FORMAT = 1  # raised when the same key would give other embeddings
WIDTH, HEIGHT = 12 / 7, 9 / 7  # of a photograph, in sides of the encoder's view: 384x288 for 224
CROPS = 2  # side by side: the whole width, at a cost that a first use can bear
SEED = 0


def load_probe(
    encoder: "Encoder",
    distortions: Sequence[Distortion],
    *,
    cache: Path,
    photographs: str | Mapping[str, Path] = "packaged",
    recipes: tuple[Recipe, ...] = (),
    progress: Progress | None = None,
) -> Probe:
    """Return the probe for these distortions; what is not in the cache is made, and kept.

    Args:
        encoder: Its untuned image tower embeds.
        distortions: Those without operator are left out.
        cache: `Settings.cache`.
        photographs: "packaged", a folder, or files by name; no other is read.
        recipes: Distortion types beside the built-in ones.
        progress: Told the share done and what is being done; may raise to break off, what was
            finished stays.

    Raises:
        DataError: A photograph is missing or corrupt, or the cache cannot be written.
    """
    files = photograph_files(photographs) if isinstance(photographs, str) else photographs
    making = _Making(encoder, files, cache / "lint-probe", recipes)
    chosen = [spec for spec in distortions if spec.has_operator]
    embeddings = {}
    for done, spec in enumerate(chosen):
        if progress:
            progress(done / len(chosen), spec.id)
        cached = making.cached_embeddings(spec)
        embeddings[spec.id] = making.made(spec) if cached is None else cached
    return Probe(
        photographs=tuple(making.files),
        strengths={
            spec.id: np.array([effective_strength(spec, n) for n in range(len(spec.levels) + 1)])
            for spec in chosen
        },
        embeddings=embeddings,
        scale=encoder.logit_scale,
    )


def missing_from_probe(
    encoder: "Encoder",
    distortions: Sequence[Distortion],
    *,
    cache: Path,
    photographs: str = "packaged",
    recipes: tuple[Recipe, ...] = (),
) -> tuple[str, ...]:
    """Return the distortions whose images would have to be made now, some seconds each.

    Takes what `load_probe` does. A page asks this before it calls that.
    """
    making = _Making(encoder, photograph_files(photographs), cache / "lint-probe", recipes)
    return tuple(s.id for s in distortions if s.has_operator and not making.file(s).is_file())


@dataclass(frozen=True)
class _Making:
    encoder: "Encoder"
    files: Mapping[str, Path]
    folder: Path
    recipes: tuple[Recipe, ...]

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What decides all embeddings, whatever the distortion."""
        return {
            "format": [FORMAT, READER, WIDTH, HEIGHT, CROPS, SEED],
            "encoder": self.encoder.facts.model_dump(mode="json", exclude={"note"}),
            "weights": _weights_digest(self.encoder),
            "photographs": {name: _digest(file.read_bytes()) for name, file in self.files.items()},
        }

    @cached_property
    def pictures(self) -> list[NDArray[np.uint8]]:
        size = self.encoder.facts.image_size
        width, height = round(WIDTH * size), round(HEIGHT * size)
        return [load_photograph(file, width, height) for file in self.files.values()]

    @cached_property
    def clean(self) -> NDArray[np.float32]:
        return self.embedded(self.pictures)

    def file(self, spec: Distortion) -> Path:
        key = {**self.facts, "spec": spec.model_dump(mode="json"),
               "source": _source_digest(spec.id, self.recipes)}  # fmt: skip
        return self.folder / f"{spec.id}-{content_hash(key)[:24]}.safetensors"

    def cached_embeddings(self, spec: Distortion) -> NDArray[np.float32] | None:
        """Return what the cache holds; a damaged file counts as none."""
        try:
            cached = load_file(self.file(spec))["embeddings"]
        except (OSError, SafetensorError, KeyError):
            return None
        return cached

    def made(self, spec: Distortion) -> NDArray[np.float32]:
        """Return new embeddings, (P, L+1, C, E), and keep them."""
        levels = range(1, len(spec.levels) + 1)
        distorted = [
            apply_distortion(picture, spec.id, level, seed=SEED + index, recipes=self.recipes)
            for index, picture in enumerate(self.pictures)
            for level in levels
        ]
        tables = self.embedded(distorted).reshape(len(self.pictures), len(levels), CROPS, -1)
        embeddings = np.concatenate([self.clean[:, None], tables], axis=1)
        file = self.file(spec)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as passing:
                save_file({"embeddings": embeddings}, passing)
        except (OSError, SafetensorError) as fault:
            raise DataError(
                f"The probe cannot be kept in {file.parent}: {fault}. Free some space, or set "
                "WORKBENCH_CACHE to another folder."
            ) from fault
        return embeddings

    def embedded(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return L2-normalised embeddings of the crops, (N, C, E), of N images (H, W, 3)."""
        import torch
        from torch.nn.functional import normalize

        size = self.encoder.facts.image_size
        rows = []
        with torch.no_grad():
            for image in images:  # one image after the other: memory stays flat
                crops = torch.from_numpy(_crops(image, size)).permute(0, 3, 1, 2)
                rows.append(normalize(self.encoder.tower(self.encoder.normalise(crops)), dim=-1))
        return torch.stack(rows).float().cpu().numpy()


def _crops(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return crops side by side at half the height, (C, size, size, 3)."""
    top = (image.shape[0] - size) // 2
    lefts = np.linspace(0, image.shape[1] - size, CROPS).round().astype(int)
    return np.stack([image[top : top + size, left : left + size] for left in lefts])


def _weights_digest(encoder: "Encoder") -> str:
    """Tell towers with other weights apart; random ones share every other fact."""
    digest = hashlib.sha256()
    for name, values in encoder.tower.state_dict().items():
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _source_digest(distortion: str, recipes: tuple[Recipe, ...]) -> str:
    """Return a hash of all that the operator's code is made of, as far as it can be seen."""
    folder = Path(inspect.getfile(apply_distortion)).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.read_bytes())
    steps = [step.operator for recipe in recipes if recipe.id == distortion
             for step in recipe.steps]  # fmt: skip
    for name in steps or [distortion]:
        function = operator_of(name).function if steps else operator_of(name, recipes).function
        function = getattr(function, "function", function)
        code = function if inspect.isfunction(function) else type(function)
        outside = Path(inspect.getfile(code))
        if folder not in outside.parents:
            digest.update(outside.read_bytes())
    return digest.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
