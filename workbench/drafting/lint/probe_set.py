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
from workbench.datasets.weak_scores import LABELS, weak_scores
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
        cached = making.cached(spec)
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


def load_scores(
    encoder: "Encoder",
    distortions: Sequence[Distortion],
    metric: str,
    *,
    cache: Path,
    photographs: Mapping[str, Path],
    recipes: tuple[Recipe, ...] = (),
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return a full-reference score of every image of a probe, (P, L+1) a type, clean first.

    Takes and raises what `load_probe` does, and the name of the metric: "haarpsi", "vsi" or
    "fsim". They are weak supervision, and no opinion of people.
    """
    making = _Making(encoder, photographs, cache / "lint-probe", recipes)
    scores = {}
    for done, spec in enumerate(distortions):
        if progress:
            progress(done / len(distortions), f"{spec.id}: {LABELS[metric]}")
        cached = making.cached(spec, metric)
        scores[spec.id] = making.scored(spec, metric) if cached is None else cached
    return scores


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

    def file(self, spec: Distortion, metric: str = "") -> Path:
        """Return where the embeddings of a type are kept, or its scores by a metric."""
        key = {**self.facts, "spec": spec.model_dump(mode="json"),
               "source": _source_digest(spec.id, self.recipes)}  # fmt: skip
        label = f"-{metric}" if metric else ""
        return self.folder / f"{spec.id}-{content_hash(key)[:24]}{label}.safetensors"

    def cached(self, spec: Distortion, metric: str = "") -> NDArray[Any] | None:
        """Return what the cache holds, embeddings or scores; a damaged file counts as none."""
        try:
            cached = load_file(self.file(spec, metric))["scores" if metric else "embeddings"]
        except (OSError, SafetensorError, KeyError):
            return None
        return cached

    def distorted(self, spec: Distortion, index: int) -> list[NDArray[np.uint8]]:
        """Return a photograph at every level of a type."""
        return [
            apply_distortion(
                self.pictures[index], spec.id, level, seed=SEED + index, recipes=self.recipes
            )
            for level in range(1, len(spec.levels) + 1)
        ]

    def made(self, spec: Distortion) -> NDArray[np.float32]:
        """Return new embeddings, (P, L+1, C, E), and keep them."""
        distorted = [
            image for index in range(len(self.pictures)) for image in self.distorted(spec, index)
        ]
        tables = self.embedded(distorted)
        tables = tables.reshape(len(self.pictures), len(spec.levels), CROPS, -1)
        embeddings = np.concatenate([self.clean[:, None], tables], axis=1)
        self.keep(self.file(spec), "embeddings", embeddings)
        return embeddings

    def scored(self, spec: Distortion, metric: str) -> NDArray[np.float64]:
        """Return new scores by a full-reference metric, (P, L+1), and keep them."""
        rows = [
            weak_scores(picture, np.stack([picture, *self.distorted(spec, index)]), metric)
            for index, picture in enumerate(self.pictures)
        ]
        scores = np.stack(rows)
        self.keep(self.file(spec, metric), "scores", scores)
        return scores

    def keep(self, file: Path, name: str, values: NDArray[Any]) -> None:
        """Write what was made, complete or not at all.

        Raises:
            DataError: It cannot be written.
        """
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as passing:
                save_file({name: values}, passing)
        except (OSError, SafetensorError) as fault:
            raise DataError(
                f"The probe cannot be kept in {file.parent}: {fault}. Free some space, or set "
                "WORKBENCH_CACHE to another folder."
            ) from fault

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
