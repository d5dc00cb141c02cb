"""Many runs as one submission: versions × experiments × seeds, with what they take said before."""

import shutil
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from statistics import median
from typing import Literal, NamedTuple

from workbench.domain.canonical import Frozen, content_hash
from workbench.domain.config import RunConfig
from workbench.domain.number_format import bytes_text, count_text, duration_text
from workbench.domain.run import Run, RunStatus, run_key
from workbench.errors import ConfigError
from workbench.experiment.config_files import attributes_for
from workbench.queue.processes import ensure_worker
from workbench.settings import Settings
from workbench.store import Store
from workbench.workflow.surroundings import nearest_existing

_SEED_DIGITS = 9  # what every generator of random numbers takes


class PlannedRun(Frozen):
    """One run of a submission.

    Attributes:
        version, label: Hash of the version, and what people call it.
        config: Under what it is run.
        state: "new", or the state of the run that is there already.
        run: Its number, if it is there.
        time_s: How long such a run takes, by the median of earlier ones; None if there are none.
        disk_bytes: What such a run leaves, likewise.
        measured: How many earlier runs say so.
    """

    version: str
    label: str
    config: RunConfig
    state: Literal["new"] | RunStatus
    run: int | None
    time_s: float | None
    disk_bytes: int | None
    measured: int

    @property
    def is_to_do(self) -> bool:
        """Whether submitting it makes work that is not there yet."""
        return self.state in ("new", "interrupted")


class Submission(Frozen):
    """What would be run, and what that takes."""

    runs: tuple[PlannedRun, ...]
    free_bytes: int

    @property
    def to_do(self) -> tuple[PlannedRun, ...]:
        """The runs that are neither done nor queued nor running; of the same, one."""
        distinct = {(run.version, run.config.hash): run for run in self.runs if run.is_to_do}
        return tuple(distinct.values())

    @property
    def time_s(self) -> float | None:
        """How long all of them take one after another; None if of one nobody knows."""
        times = [run.time_s for run in self.to_do]
        return None if None in times else sum(time for time in times if time is not None)

    @property
    def disk_bytes(self) -> int | None:
        """What all of them leave on disk; None if of one nobody knows."""
        sizes = [run.disk_bytes for run in self.to_do]
        return None if None in sizes else sum(size for size in sizes if size is not None)


class Measured(NamedTuple):
    """What earlier runs of one size took on this machine; the medians are None without any."""

    runs: int
    time_s: float | None
    disk_bytes: int | None


class EarlierRuns:
    """What the runs that this machine has done took, by size: all but the seeds and the name."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._settings = settings
        self._by_size: dict[str, list[tuple[str, float]]] = {}
        for done in store.runs.done_on(socket.gethostname()):
            key = run_key(done.version, done.config.hash)
            self._by_size.setdefault(size_of(done.config), []).append((key, done.duration_s))

    def of(self, config: RunConfig) -> Measured:
        """Return what runs of this size took."""
        same = self._by_size.get(size_of(config), [])
        if not same:
            return Measured(0, None, None)
        sizes = [size for key, _ in same[:5] if (size := self._disk_bytes(key))]
        time_s = median(duration for _, duration in same)
        return Measured(len(same), time_s, round(median(sizes)) if sizes else None)

    def _disk_bytes(self, key: str) -> int:
        """Return the bytes below every file and folder of results that carries a run's key."""
        total = 0
        for path in self._settings.results.glob(f"*/{key}*"):
            for file in path.rglob("*") if path.is_dir() else (path,):
                with suppress(OSError):  # another process may be moving it
                    total += file.stat().st_size if file.is_file() else 0
        return total


def size_of(config: RunConfig) -> str:
    """Return what configurations share that take equally long: a hash without name and seeds.

    Example:
        >>> from workbench.domain.config import DataConfig
        >>> first = RunConfig(data=DataConfig(distortions=("jpeg",)))
        >>> size_of(first) == size_of(first.model_copy(update={"seed": 3, "name": "b"}))
        True
    """
    document = config.model_dump(mode="json", exclude={"name", "seed"})
    for section in (document["data"], document["split"], *document.get("transfer", ())):
        section.pop("seed", None)
    return content_hash(document)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that somebody wrote, each once, in their order.

    Raises:
        ConfigError: It is no list of whole numbers from 0.

    Example:
        >>> parse_seeds("0, 1,2, 1")
        (0, 1, 2)
    """
    words = text.replace(",", " ").split()
    if not words or not all(word.isascii() and word.isdecimal() for word in words):
        raise ConfigError(f"Seeds are whole numbers from 0, such as '0, 1, 2'; got '{text[:40]}'.")
    if any(len(word) > _SEED_DIGITS for word in words):
        raise ConfigError(f"A seed has at most {_SEED_DIGITS} digits; got '{text[:40]}'.")
    return tuple(dict.fromkeys(map(int, words)))


def plan_submission(
    store: Store,
    refs: Sequence[str],
    configs: Sequence[RunConfig],
    *,
    settings: Settings,
    seeds: Sequence[int] = (),
    again: bool = False,
) -> Submission:
    """Return the runs of versions × configurations × seeds, with which of them are there already.

    Nothing is queued.

    Args:
        store: The open store.
        refs: Hash prefixes or aliases of versions.
        configs: The experiments.
        settings: Folders, for what earlier runs left.
        seeds: Of training; without any, each experiment's own. Images and folds stay the same.
        again: Count what is done as to be run again.

    Raises:
        ConfigError: A version lacks a distortion of a configuration, or one has no operator.
        VersionNotFoundError: A reference names no version.
    """
    recipes = tuple(store.recipes.list())
    versions = {version.hash: version for version in map(store.versions.get, refs)}
    earlier = EarlierRuns(store, settings)
    planned = []
    for version in versions.values():
        for config in _seeded(configs, seeds):
            run = store.runs.same(version.hash, config.hash, done=not again)
            if run is None or run.status != "done":
                attributes_for(version, config, recipes)
            count, time_s, disk_bytes = earlier.of(config)
            planned.append(
                PlannedRun(
                    version=version.hash, label=version.label, config=config,
                    state=run.status if run else "new", run=run.id if run else None,
                    time_s=time_s, disk_bytes=disk_bytes, measured=count,
                )
            )  # fmt: skip
    free = shutil.disk_usage(nearest_existing(settings.results)).free
    return Submission(runs=tuple(planned), free_bytes=free)


def submit(store: Store, submission: Submission, *, again: bool = False) -> list[Run]:
    """Queue what a submission has to do, all or nothing, and return the run of each.

    Raises:
        StoreError: A version is gone or the store fails; nothing was queued.
    """
    wanted = [(run.version, run.config) for run in submission.runs]
    return store.runs.submit(wanted, again=again, afresh=again)


def start_submission(
    store: Store, submission: Submission, *, settings: Settings, again: bool = False
) -> list[Run]:
    """Queue a submission and make sure that a background worker is alive; see `submit`.

    Raises:
        RunError: No worker can be started; the runs stay in the queue.
    """
    runs = submit(store, submission, again=again)
    if any(run.status != "done" for run in runs):
        ensure_worker(store, settings)
    return runs


def time_left_s(active: Iterable[Run], earlier: EarlierRuns) -> float | None:
    """Return how long the queue takes one run after another; None if of one nobody knows."""
    left = 0.0
    for run in active:
        told = run.time_left_s()
        seconds = earlier.of(run.config).time_s if told is None else told
        if seconds is None:
            return None
        left += seconds
    return left


def estimate_text(submission: Submission) -> str:
    """Say what a submission makes to do, and what that takes on this machine.

    Example:
        >>> estimate_text(Submission(runs=(), free_bytes=10**10))
        'Nothing is left to do: every run is there.'
    """
    to_do = submission.to_do
    if not to_do:
        return "Nothing is left to do: every run is there."
    there = len(submission.runs) - len(to_do)
    measured = min(run.measured for run in to_do)
    parts = [count_text(len(to_do), "run") + " to do"]
    if there:
        parts[0] += f", {there} there already"
    if submission.time_s is None:
        parts.append("the time it takes is unknown, as this machine has done none of that size yet")
    else:
        basis = count_text(measured, "earlier run")
        parts.append(
            f"about {duration_text(submission.time_s)} one after another, by {basis} of that size"
        )
    if submission.disk_bytes is not None:
        free = bytes_text(submission.free_bytes)
        parts.append(f"{bytes_text(submission.disk_bytes)} on disk, of {free} free")
    return "; ".join(parts) + "."


def _seeded(configs: Sequence[RunConfig], seeds: Sequence[int]) -> list[RunConfig]:
    if not seeds:
        return list(configs)
    return [config.model_copy(update={"seed": seed}) for config in configs for seed in seeds]
