"""Where things stand: what the page Home and `workbench status` show."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from workbench.domain.attributes import Status
from workbench.domain.canonical import Frozen, canonical_json
from workbench.domain.run import Protocol, RunStatus
from workbench.store import Store
from workbench.store.overview import RunLine

SHOWN_RUNS = 5
READ_RESULTS = 60  # the newest opened runs whose figures are looked through


class OpenedFigure(NamedTuple):
    """A run's figure that somebody has been shown.

    Attributes:
        run: Its number.
        version: Hash of the version.
        protocol: What it rests on; figures under another protocol are never ranked with it.
        srcc: The figure.
    """

    run: int
    version: str
    protocol: Protocol
    srcc: float


class Overview(Frozen):
    """Where things stand.

    Attributes:
        types: Number of distortion types in the catalogue.
        without_attributes: Ids of the types for which the draft has none that would be frozen.
        attributes: Review status to number of attributes in the draft.
        changed: Whether the draft holds what no version would give back by restoring its base.
        base: Hash of the version that the draft goes on from, if any.
        versions: Number of frozen versions.
        newest: Hash of the newest version, if any.
        labels: Hash of a version that is named here to what people call it.
        runs: Status to number of runs.
        active: The newest runs that are queued or running.
        ended: The newest runs that are over.
        best: For each dataset the best figure among those that somebody has been shown.
        accesses: Number of test-set accesses.
        test_sets: Number of test sets that were accessed.
    """

    types: int
    without_attributes: tuple[str, ...]
    attributes: Mapping[Status, int]
    changed: bool
    base: str | None
    versions: int
    newest: str | None
    labels: Mapping[str, str]
    runs: Mapping[RunStatus, int]
    active: tuple[RunLine, ...]
    ended: tuple[RunLine, ...]
    best: tuple[OpenedFigure, ...]
    accesses: int
    test_sets: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was drafted or frozen yet."""
        return not self.attributes and not self.versions


def overview(store: Store) -> Overview:
    """Return where things stand; nothing is computed, and no test set accessed.

    Args:
        store: The open store.
    """
    drafted = store.overview.draft()
    versions = store.versions.summaries()
    active = store.overview.runs(("running", "queued"), limit=SHOWN_RUNS)
    ended = store.overview.runs(("done", "failed", "interrupted", "cancelled"), limit=SHOWN_RUNS)
    best = best_figures(opened_figures(store))
    accesses = store.overview.accesses()
    named = {*(run.version for run in (*active, *ended)), *(figure.version for figure in best)}
    named |= {hash for hash in (store.draft.base(), *(v.hash for v in versions[:1])) if hash}
    catalogue = store.recipes.catalogue()
    return Overview(
        types=len(catalogue),
        without_attributes=tuple(id for id in catalogue if not _frozen_count(drafted.get(id, {}))),
        attributes=_totals(drafted.values()),
        changed=bool(drafted) and _is_changed(store),
        base=store.draft.base(),
        versions=len(versions),
        newest=versions[0].hash if versions else None,
        labels={version.hash: version.label for version in versions if version.hash in named},
        runs=store.overview.runs_by_status(),
        active=tuple(active),
        ended=tuple(ended),
        best=best,
        accesses=sum(accesses.values()),
        test_sets=len(accesses),
    )


def opened_figures(store: Store) -> list[OpenedFigure]:
    """Return the figures that were shown before, of the newest runs that have any.

    Showing them once more is no further access: it was recorded when they were first shown.
    """
    runs = store.overview.opened_runs(limit=READ_RESULTS)
    figures = (_opened_figure(store, *run) for run in runs)
    return [figure for figure in figures if figure is not None]


def best_figures(figures: Iterable[OpenedFigure]) -> tuple[OpenedFigure, ...]:
    """Return the highest SRCC under each protocol; of equals, the first."""
    best: dict[str, OpenedFigure] = {}
    for figure in figures:
        key = canonical_json(figure.protocol.model_dump(mode="json"))
        if key not in best or figure.srcc > best[key].srcc:
            best[key] = figure
    return tuple(best.values())


# Whether the draft has changes: found once for each state of the draft and each base, by URL.
_CHANGED: dict[str, tuple[int, str | None, bool]] = {}


def _is_changed(store: Store) -> bool:
    state = store.overview.newest_event(), store.draft.base()
    known = _CHANGED.get(store.url)
    if known is None or known[:2] != state:
        known = _CHANGED[store.url] = (*state, store.draft.is_changed())
    return known[2]


# A finished run's figure never changes: it is read once, by URL, run and version.
_READ: dict[tuple[str, int, str], OpenedFigure | None] = {}


def _opened_figure(store: Store, run: int, version: str) -> OpenedFigure | None:
    key = (store.url, run, version)
    if key not in _READ:
        result = store.overview.result(run)
        srcc = None if result is None else result["quality"]["srcc"]
        figure = None
        if result is not None and isinstance(srcc, float | int):  # else undefined, with the reason
            figure = OpenedFigure(run, version, Protocol.model_validate(result["protocol"]), srcc)
        _READ[key] = figure
    return _READ[key]


def _totals(counts: Iterable[Mapping[Status, int]]) -> dict[Status, int]:
    totals: dict[Status, int] = {}
    for of_type in counts:
        for status, count in of_type.items():
            totals[status] = totals.get(status, 0) + count
    return totals


def _frozen_count(counts: Mapping[Status, int]) -> int:
    return sum(count for status, count in counts.items() if status != "rejected")
