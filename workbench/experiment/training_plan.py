"""What every training of a run shares, and how each is saved so that a broken run goes on.

While a run is not done, its trainings lie in `results/training/<run's key>.<attempt>/`: a file for
each that has ended, and a checkpoint of the one under way. When it is done they move to
`results/folds/`, where a later version may start from them.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from torch import Tensor

from workbench.datasets.image_set import ChosenImages, Images, ImageSet
from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.canonical import Losses, Progress, content_hash, no_losses
from workbench.domain.config import RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.run import run_key
from workbench.encoders import Encoder
from workbench.errors import ConfigError, RunError
from workbench.settings import Settings
from workbench.training.checkpoint import load_state, save_state
from workbench.training.loop import restored_model, tune
from workbench.training.prompt_pairs import EncodedAttributes, encode_attributes
from workbench.training.regressor import Regressor, fit_regressor
from workbench.training.tuned_model import Examples, Features, TunedModel

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class TrainingPlan:
    """An encoder, attributes and a configuration, ready to be trained with.

    Attributes:
        encoder: The frozen encoder.
        attributes: A attributes of D distortions.
        config: Everything else that decides the numbers.
        settings: Cache folder and devices.
        folder: Where unfinished trainings are saved.
        parent: Where the finished trainings of the parent's run lie; None starts afresh.
        recipes: The store's distortion types beside the built-in ones.
        losses: Gets the losses of every training, under names for people ("split 1, tuning").
    """

    encoder: Encoder
    attributes: AttributeSet
    config: RunConfig
    settings: Settings
    folder: Path
    parent: Path | None = None
    recipes: tuple[Recipe, ...] = ()
    losses: Losses = no_losses

    @cached_property
    def encoded(self) -> EncodedAttributes:
        """The attributes as the encoder reads them, encoded once for all trainings."""
        polarity, cache = self.config.tuning.polarity, self.settings.cache
        return encode_attributes(self.encoder, self.attributes, polarity, cache=cache)

    def tune(
        self,
        name: str,
        data: ImageSet,
        train: Rows,
        validation: Rows,
        progress: Progress,
        *,
        seed: int,
    ) -> TunedModel:
        """Return a tower tuned on rows of the open images: the saved one, else trained and saved.

        Files are called by the name ("split-0"). Training may stop by the validation rows.

        Raises:
            CheckpointMismatchError: What is saved belongs to something else.
            TrainingDivergedError: The loss is not finite.
        """
        file, facts = (
            self.folder / f"{name}.safetensors",
            self._facts(data, train, validation, seed),
        )
        if file.is_file():
            state = load_state(file, facts)
            return restored_model(self.encoder, self.encoded, self.config.tuning, state)
        truth = data.strengths(train)
        trained_on, stopped_by = (
            Examples(ChosenImages(data.images, rows), truth[rows]) for rows in (train, validation)
        )
        model = tune(
            self.encoder, self.encoded, trained_on, self.config.tuning,
            seed=seed, progress=progress,
            validation=stopped_by if len(validation) else None,
            start=self._start(name, facts),
            checkpoint=self.folder / f"{name}.training.safetensors",
            facts={fact: facts[fact] for fact in ("data", "rows")},
            devices=self.settings.devices,
            losses=self._losses_of(name),
        )  # fmt: skip
        save_state(file, model.state(), facts)
        return model

    def fit_regressor(
        self, inputs: np.ndarray, quality: np.ndarray, *, seed: int, name: str | None = None
    ) -> Regressor:
        """Fit the configuration's regressor to `regressor_inputs` of N images.

        The name is that of the training it belongs to; without one its losses are nobody's.
        """
        losses = no_losses if name is None else self._losses_of(name)
        return fit_regressor(inputs, quality, self.config.regressor, seed=seed, losses=losses)

    def features(self, model: TunedModel, images: Images) -> Features:
        """Return what a tuned tower makes of N images, for the configuration's regressor."""
        return model.features(images, self.config.regressor)

    def regressor_inputs(self, model: TunedModel, features: Features) -> np.ndarray:
        """Return what the regressor reads of N images, (N, V·A), (N, D) or (N, E)."""
        return model.regressor_inputs(features, self.config.regressor)

    def _losses_of(self, name: str) -> Losses:
        number = name.removeprefix("split-")
        title = f"split {int(number) + 1}" if number.isdecimal() else "final model"
        return lambda stage, step, loss: self.losses(f"{title}, {stage}", step, loss)

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
        # Attributes and configuration may differ; images and split may not, or what is held out
        # here would have been trained on there.
        return load_state(file, {key: facts[key] for key in ("encoder", "data", "rows")})

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
def resumable_trainings(
    settings: Settings, key: str, *, afresh: bool, owner: str = ""
) -> Iterator[Path]:
    """Yield the folder of a run's unfinished trainings; when the block succeeds, they are moved.

    The folder is this attempt's own, and what an earlier attempt left is moved there. So a process
    that was taken for dead and goes on finds its folder gone, and cannot write into ours.

    Args:
        settings: Where results are.
        key: That of `run_key`.
        afresh: Discard what an earlier attempt left.
        owner: Who sees to it that no two of its processes do the same run; "" for nobody.

    Raises:
        RunError: Another process of another owner runs the same version under the same
            configuration, or the folder cannot be written.
    """
    base, finished = settings.results / "training", finished_folder(settings, key)
    own = base / f"{key}.{uuid4().hex[:12]}"
    try:
        base.mkdir(parents=True, exist_ok=True)
        finished.parent.mkdir(parents=True, exist_ok=True)
        with _held(base / f"{key}.lock", base / f"{key}.owner", owner):
            for left in (base / key, *base.glob(f"{key}.*")):
                if left.is_dir() and not own.exists():
                    left.rename(own)
            if afresh:
                shutil.rmtree(own, ignore_errors=True)
            own.mkdir(exist_ok=True)
            yield own
            own.stat()  # raises where another process has taken it
            shutil.rmtree(finished, ignore_errors=True)
            own.rename(finished)
    except OSError as fault:
        raise RunError(
            f"The run's trainings cannot be saved in {own}: {fault}. Free some space or make "
            "the folder writable, then resume the run."
        ) from fault


@contextmanager
def _held(lock: Path, note: Path, owner: str) -> Iterator[None]:
    """Hold the trainings of a run; a process of the same owner that still does has lost them."""
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
        note.write_text(owner, encoding="utf-8")
    except Timeout as fault:
        if not owner or note.read_text(encoding="utf-8") != owner:
            raise RunError(
                "The same version is being run under the same configuration by another process. "
                "Wait for it: its result will be yours too."
            ) from fault
    try:
        yield
    finally:
        held.release()


def finished_folder(settings: Settings, key: str) -> Path:
    """Return where the trainings of a finished run lie."""
    return settings.results / "folds" / key


def parent_folder(version: Version, config: RunConfig, settings: Settings) -> Path | None:
    """Return where the parent's trainings lie; None for a run that starts afresh.

    Raises:
        ConfigError: The run should start from a parent, but the version has none.
    """
    if config.tuning.start == "fresh":
        return None
    if version.parent is None:
        raise ConfigError(
            f"tuning.start is 'parent', but version {version.label} has none. Set it to 'fresh'."
        )
    fresh = config.model_copy(
        update={"tuning": config.tuning.model_copy(update={"start": "fresh"})}
    )
    # The parent itself may have started from its own parent, or afresh.
    keys = [run_key(version.parent, candidate.hash) for candidate in (config, fresh)]
    folders = [finished_folder(settings, key) for key in keys]
    return next((folder for folder in folders if folder.is_dir()), folders[-1])
