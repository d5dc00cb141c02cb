"""What every training of a run shares, and how each is kept so that a broken run goes on.

While a run is not done, what its trainings gave lies in `results/training/<run's key>/`: a file for
each that has ended, and a checkpoint of the one under way. When it is done they move to
`results/folds/`, where a later version may start from them.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from torch import Tensor

from workbench.datasets.image_set import ChosenImages, ImageSet
from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.canonical import Progress, content_hash
from workbench.domain.config import RunConfig
from workbench.domain.run import run_key
from workbench.encoders import Encoder
from workbench.errors import ConfigError, RunError
from workbench.settings import Settings
from workbench.training.checkpoint import load_state, save_state
from workbench.training.loop import restored, tune
from workbench.training.prompt_pairs import encode_attributes
from workbench.training.tuned_model import Features, TunedModel

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Task:
    """An encoder, attributes and a configuration, ready to be trained with.

    Attributes:
        encoder: The frozen encoder.
        attributes: A attributes of D distortions.
        pairs: Embeddings of their sentences, (A, 2, E).
        groups: Distortion of each attribute, (A,).
        config: Everything else.
        folder: Where unfinished trainings are kept.
        parent: Where the finished trainings of the parent's run lie; None starts afresh.
        devices: Processes that share every batch.
    """

    encoder: Encoder
    attributes: AttributeSet
    pairs: Tensor
    groups: Tensor
    config: RunConfig
    folder: Path
    parent: Path | None
    devices: int = 1

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        attributes: AttributeSet,
        config: RunConfig,
        *,
        folder: Path,
        parent: Path | None,
        devices: int = 1,
        cache: Path | None = None,
    ) -> "Task":
        """Encode the attributes, which no training does again.

        Args:
            encoder: See the attributes, and so all others.
            attributes: A attributes of D distortions.
            config: Everything else.
            folder: Where unfinished trainings are kept.
            parent: Where those of the parent's run lie.
            devices: Processes that share every batch.
            cache: Folder that embeddings of sentences are kept in.
        """
        polarity = config.tuning.polarity
        pairs, groups = encode_attributes(encoder, attributes, polarity, cache=cache)
        return cls(encoder, attributes, pairs, groups, config, folder, parent, devices)

    def tuned(
        self,
        name: str,
        data: ImageSet,
        train: Rows,
        validation: Rows,
        progress: Progress,
        *,
        seed: int,
    ) -> TunedModel:
        """Return a tower tuned on some rows: what is kept of it, else trained now and kept.

        Args:
            name: What its files are called ("split-0").
            data: The open images.
            train: Rows to train on.
            validation: Rows that training may stop by.
            progress: Told the share done; what it raises passes through.
            seed: Decides prompts, order and crops.

        Raises:
            CheckpointMismatchError: What is kept belongs to something else.
            TrainingDivergedError: The loss is no finite number.
        """
        truth, file = data.strengths(train), self.folder / f"{name}.safetensors"
        facts = self._facts(data, train, validation, seed)
        if file.is_file():
            state = load_state(file, facts)
            return restored(self.encoder, self.pairs, self.groups, self.config.tuning, state)
        held = (ChosenImages(data.images, validation), truth[validation])
        model = tune(
            self.encoder, self.pairs, self.groups,
            ChosenImages(data.images, train), truth[train], self.config.tuning,
            seed=seed, progress=progress,
            validation=held if len(validation) else None,
            start=self._start(name, facts),
            checkpoint=self.folder / f"{name}.training.safetensors",
            belongs={fact: facts[fact] for fact in ("data", "rows")},
            devices=self.devices,
        )  # fmt: skip
        save_state(file, model.state(), facts)
        return model

    def regressed(self, model: TunedModel, seen: Features) -> np.ndarray:
        """Return what the regressor reads of N images, (N, A), (N, D) or (N, E)."""
        match self.config.regressor.given:
            case "strengths":
                return model.strengths(seen.probabilities)
            case "embedding":
                return seen.embeddings
            case "attributes":
                return seen.probabilities

    def _start(self, name: str, facts: dict[str, str]) -> dict[str, Tensor] | None:
        if self.parent is None:
            return None
        file = self.parent / f"{name}.safetensors"
        if not file.is_file():
            raise ConfigError(
                f"tuning.start is 'parent', but the parent's run left no {file.name} in "
                f"{self.parent}. Run the parent with the same experiment first, or set it to "
                "'fresh'."
            )
        shared = {key: facts[key] for key in ("encoder", "data", "rows")}
        return load_state(file, shared)

    def _facts(self, data: ImageSet, train: Rows, validation: Rows, seed: int) -> dict[str, str]:
        facts = self.encoder.facts
        return {
            "encoder": f"{facts.name} {facts.weights}",
            "attributes": self.attributes.hash,
            "config": self.config.hash,
            "data": data.hash,
            "rows": content_hash([train.tolist(), validation.tolist()]),
            "seed": str(seed),
        }


@contextmanager
def resumable_trainings(settings: Settings, key: str, *, afresh: bool) -> Iterator[Path]:
    """Yield the folder of a run's unfinished trainings; when the block ends well, they are kept.

    Args:
        settings: Says where results lie.
        key: Of the version and the configuration; see `run_key`.
        afresh: Forget what an earlier attempt left.

    Raises:
        RunError: Another process runs the same version under the same configuration, or the folder
            cannot be written.
    """
    folder, kept = settings.results / "training" / key, finished_folder(settings, key)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock"), timeout=0):
            if afresh:
                shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            yield folder
            shutil.rmtree(kept, ignore_errors=True)
            folder.rename(kept)
    except Timeout as fault:
        raise RunError(
            "The same version is being run under the same configuration by another process. Wait "
            "for it: its result will be yours too."
        ) from fault
    except OSError as fault:
        raise RunError(
            f"What the run trains cannot be kept in {folder}: {fault}. Make room or the folder "
            "writable, then resume the run."
        ) from fault


def finished_folder(settings: Settings, key: str) -> Path:
    """Return where the trainings of a finished run lie."""
    return settings.results / "folds" / key


def parent_folder(version: Version, config: RunConfig, settings: Settings) -> Path | None:
    """Return where the parent's trainings lie; None for a run that starts afresh.

    Raises:
        ConfigError: The run is to start from a parent, and the version has none.
    """
    if config.tuning.start == "fresh":
        return None
    if version.parent is None:
        raise ConfigError(
            f"tuning.start is 'parent', but version {version.label} has none. Set it to 'fresh'."
        )
    afresh = config.model_copy(
        update={"tuning": config.tuning.model_copy(update={"start": "fresh"})}
    )
    keys = [run_key(version.parent, one.hash) for one in (config, afresh)]
    folders = [finished_folder(settings, key) for key in keys]
    return next((folder for folder in folders if folder.is_dir()), folders[-1])
