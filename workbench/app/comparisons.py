"""What the page Compare may choose from, what it would cost, and the answers that are kept.

An answer is opened once, which is recorded as a test-set access for each run; whoever opens the
same runs again, in any browser and after any restart, sees it as it was, uncounted.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st
from pydantic import ValidationError

from workbench.app.services import Session, configuration_words
from workbench.atomic_files import atomic_write
from workbench.domain.audit_events import Look
from workbench.domain.canonical import content_hash
from workbench.domain.comparison import AccessCount, Comparison, OverSeeds
from workbench.domain.edit_effects import Attribution
from workbench.domain.lineage import VersionSummary
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError
from workbench.store import Store
from workbench.store.run_reading import FinishedRun

if TYPE_CHECKING:
    from workbench.domain.run import Run
    from workbench.evaluation.comparable import ComparedRuns

MOST = 8  # versions or runs side by side: as many as there are colours to tell them apart
_OPENING = Lock()  # of this server: who presses at the same moment finds the other's answer
_BY_URL: dict[str | type[Any], Callable[[Any], Any]] = {Store: lambda store: store.url}


class Choices(NamedTuple):
    """The runs that are done and their versions, both newest first.

    Attributes:
        newest: Hashes of the newest two versions that were run under one configuration, or none.
    """

    runs: list[FinishedRun]
    versions: list[VersionSummary]
    newest: list[str]

    def version_of(self, run: int) -> VersionSummary:
        """Return the version that a run ran."""
        hash = next(one.version for one in self.runs if one.id == run)
        return next(version for version in self.versions if version.hash == hash)


class ImageSet(NamedTuple):
    """A test set that several runs have figures on; `words` say which it is."""

    hash: str
    words: str
    own: bool  # whether it is that of the runs' own folds


class Chosen(NamedTuple):
    """Runs to compare on one test set, the older version first."""

    runs: tuple[int, ...]
    labels: tuple[str, ...]
    test_set: ImageSet


class Opened(NamedTuple):
    """An answer: what was computed, of which runs, and the accesses by which it was opened."""

    comparison: Comparison
    compared: "ComparedRuns"
    looks: tuple[Look, ...]


def choices(store: Store) -> Choices:
    """Return what may be compared; read anew when a version, an alias or a result is new."""
    newest = store.overview.newest_event(), store.overview.runs_by_status().get("done", 0)
    return _choices(store, newest)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=_BY_URL)
def _choices(store: Store, newest: tuple[int, int]) -> Choices:  # noqa: ARG001  # part of the key
    runs = store.runs.finished()
    done = {run.version for run in runs}
    versions = [one for one in store.versions.summaries() if one.hash in done]
    return Choices(runs, versions, _newest_comparable(runs, versions))


def common_configurations(
    runs: Sequence[FinishedRun], versions: Sequence[str]
) -> dict[str, list[int]]:
    """Return each configuration that all versions have run, to their newest runs under it.

    Args:
        runs: Newest first.
        versions: Hashes.

    Returns:
        Hash of the configuration to runs in the order of the versions; the newest first.
    """
    newest: dict[tuple[str, str], FinishedRun] = {}
    for run in runs:
        newest.setdefault((run.config, run.version), run)
    of_first = [run.config for run in newest.values() if run.version == versions[0]]
    return {
        config: [newest[config, version].id for version in versions]
        for config in of_first
        if all((config, version) in newest for version in versions)
    }


def _newest_comparable(
    runs: Sequence[FinishedRun], versions: Sequence[VersionSummary]
) -> list[str]:
    configs: dict[str, set[str]] = {}
    for run in runs:
        configs.setdefault(run.version, set()).add(run.config)
    hashes = [version.hash for version in versions]
    for index, newer in enumerate(hashes):
        for older in hashes[index + 1 :]:
            if configs[newer] & configs[older]:
                return [newer, older]
    return []


def experiment_words(store: Store, hashes: Sequence[str]) -> dict[str, str]:
    """Return what people call configurations: name, data, encoder and seed, distinct."""
    configs = store.runs.configurations(hashes)
    return {
        hash: f"{config.name}: {configuration_words(config)}, seed {config.seed}"
        for hash, config in configs.items()
    }


def common_test_sets(store: Store, runs: Sequence[int]) -> list[ImageSet]:
    """Return the test sets that all runs have figures on, their own folds' first.

    Raises:
        ConfigError: There is none; the message names each difference.
    """
    from workbench.evaluation.comparable import ComparedRuns

    first, *others = (_test_sets(store, run) for run in runs)
    shared = [one for one in first if all(one in other for other in others)]
    if not shared:
        names = [f"run {run}" for run in runs]
        ComparedRuns.of([store.runs.get(run) for run in runs], names)  # says in what they differ
        raise ConfigError(f"There is no test set that {', '.join(names)} were all tried on.")
    return shared


@st.cache_data(max_entries=512, show_spinner=False, hash_funcs=_BY_URL)
def _test_sets(store: Store, run: int) -> list[ImageSet]:
    from workbench.evaluation.test_set_access import run_test_sets

    return [
        ImageSet(one.hash, _words(one.kind, one.run), one.kind == "held-out photographs")
        for one in run_test_sets(store.runs.get(run))
    ]


def _words(kind: str, run: "Run") -> str:
    if run.result is None:
        return kind
    terms = run.result.protocol
    about = f"{count_text(terms.images, 'image')} of {count_text(terms.photographs, 'photograph')}"
    return f"{kind}, {terms.dataset}: {about}" if kind == "other data" else f"{kind}: {about}"


def choose(found: Choices, runs: Sequence[int], test_sets: Sequence[ImageSet], on: str) -> Chosen:
    """Return runs to compare on the test set with a hash."""
    from workbench.workflow.compare import distinct_labels

    labels = distinct_labels([found.version_of(run).label for run in runs], runs)
    test_set = next((one for one in test_sets if one.hash == on), test_sets[0])
    return Chosen(tuple(runs), tuple(labels), test_set)


def accesses_so_far(store: Store, chosen: Chosen) -> AccessCount:
    """Return how often the test set was accessed."""
    return store.access_log.count(chosen.test_set.hash)


def opened_before(session: Session, chosen: Chosen) -> Opened | None:
    """Return the answer as it was opened last; None if nobody has opened it. Counts nothing."""
    from workbench.workflow.compare import last_opened

    compared = compared_runs(session.store, chosen)
    looks = last_opened(session.store, compared)
    if not looks:
        return None
    return Opened(_answer(session.store, chosen, looks, session.settings.cache), compared, looks)


def open_comparison(session: Session, chosen: Chosen, *, after: int = 0) -> None:
    """Compare, and record an access for each run, unless somebody just did.

    Args:
        session: Settings and store.
        chosen: What to compare.
        after: Number of the access by which the answer on the screen was opened.

    Raises:
        ConfigError: The runs cannot be compared.
    """
    from workbench.workflow.compare import compare_runs, last_opened

    store = session.store
    with _OPENING:
        compared = compared_runs(store, chosen)
        looks = last_opened(store, compared)
        if looks and looks[-1].id > after:
            return
        purpose = f"compare {', '.join(chosen.labels)} in the browser"
        author = session.settings.author
        comparison = compare_runs(store, compared, purpose=purpose, author=author)
        file = _file(store, chosen, last_opened(store, compared), session.settings.cache)
        _keep(file, comparison)


@st.cache_data(
    max_entries=32, show_spinner="Drawing 10,000 samples of the photographs…", hash_funcs=_BY_URL
)
def _answer(store: Store, chosen: Chosen, looks: tuple[Look, ...], cache: Path) -> Comparison:
    from workbench.workflow.compare import reopen_comparison

    file = _file(store, chosen, looks, cache)
    try:
        return Comparison.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError):  # opened elsewhere, by a command, or by another release
        comparison = reopen_comparison(store, compared_runs(store, chosen))
        _keep(file, comparison)
        return comparison


def _file(store: Store, chosen: Chosen, looks: Sequence[Look], cache: Path) -> Path:
    """Return where an answer lies, by all that it depends on."""
    key = {
        "store": store.url,
        "runs": chosen.runs,
        "labels": chosen.labels,
        "looks": [look.model_dump(mode="json") for look in looks],
    }
    return cache / "comparisons" / f"{content_hash(key)}.json"


def _keep(file: Path, comparison: Comparison) -> None:
    """Keep an answer; where it cannot be written, it is computed again when it is asked for."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as partial:
            partial.write_text(comparison.model_dump_json(), encoding="utf-8")
    except OSError:
        return


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=_BY_URL)
def compared_runs(store: Store, chosen: Chosen) -> "ComparedRuns":
    """Return the runs with their figures on the test set."""
    from workbench.workflow.compare import runs_on

    return runs_on(store, chosen.runs, chosen.labels, chosen.test_set.hash)


def with_quoted(comparison: Comparison, published: Sequence[str]) -> Comparison:
    """Return the comparison with published figures beside it; nothing is computed or counted.

    Args:
        comparison: What they stand beside.
        published: Parts of published tables; see `workbench.evaluation.published_figures`.
    """
    from workbench.evaluation.published_figures import quoted_rows

    rows = [row for name in published for row in quoted_rows(name, comparison.protocol)]
    return comparison.model_copy(update={"quoted": tuple(rows)})


def json_of(comparison: Comparison) -> str:
    """Return the document that `workbench compare --json` prints."""
    document = comparison.model_dump(mode="json")
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def csv_of(store: Store, opened: Opened) -> bytes:
    """Return every table of a comparison as CSV, in one .zip file."""
    from workbench.workflow.compare import write_comparison_tables

    with TemporaryDirectory() as folder:
        path = Path(folder) / "tables.zip"
        return write_comparison_tables(store, opened.comparison, opened.compared, path).read_bytes()


def report_of(store: Store, opened: Opened) -> str:
    """Return the report of a comparison, one self-contained HTML page."""
    from workbench.workflow.compare import write_comparison_report

    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        return write_comparison_report(store, opened.comparison, opened.compared, path).read_text(
            encoding="utf-8"
        )


def attributed_before(store: Store, pair: "ComparedRuns") -> bool:
    """Return whether anybody has opened what each edit between two runs contributed."""
    ids = [run.id for run in pair.runs]
    return bool(store.access_log.last_together(pair.test_hash, ids, act="attribute"))


def open_attribution(session: Session, pair: "ComparedRuns") -> None:
    """Record that what each edit between two runs contributed is shown, unless it was before."""
    from workbench.workflow.access import record_run_access

    with _OPENING:
        if not attributed_before(session.store, pair):
            purpose = f"attribute {', '.join(pair.labels)}"
            author = session.settings.author
            record_run_access(session.store, pair, purpose=purpose, author=author)


def attribution(session: Session, pair: "ComparedRuns") -> Attribution:
    """Return what each edit between two runs contributed, refitted by ridge.

    Raises:
        ConfigError: The versions do not differ.
        RunError: What a run's regressor has read is missing or damaged.
    """
    key = (session.store.url, *((run.id, label) for run, label, _ in pair.items()))
    return _attribution(key, pair, session)


@st.cache_data(max_entries=16, show_spinner="Refitting with each edit alone…")
def _attribution(
    key: tuple[object, ...],  # noqa: ARG001  # what the answer is kept by
    _pair: "ComparedRuns",
    _session: Session,
) -> Attribution:
    from workbench.workflow.attribution import attribute_runs

    return attribute_runs(
        _pair, settings=_session.settings, recipes=tuple(_session.store.recipes.list())
    )


def over_seeds(by_seed: Sequence["ComparedRuns"]) -> OverSeeds:
    """Return what versions say over several training seeds."""
    key = tuple((run.id, label) for seed in by_seed for run, label, _ in seed.items())
    return _over_seeds((by_seed[0].test_hash, *key), by_seed)


@st.cache_data(max_entries=16, show_spinner="Drawing 10,000 samples of photographs and seeds…")
def _over_seeds(
    key: tuple[object, ...],  # noqa: ARG001  # what the answer is kept by
    _by_seed: Sequence["ComparedRuns"],
) -> OverSeeds:
    from workbench.evaluation.over_seeds import compare_over_seeds

    return compare_over_seeds(_by_seed)


def matrix_opened(store: Store, compared: "ComparedRuns") -> bool:
    """Return whether the figures of all these runs on other data were opened before."""
    return all(
        store.access_log.last_together(run.test_hash, [run.runs[0].id], act="matrix")
        for run in compared.singles()
    )


def open_matrix(session: Session, compared: "ComparedRuns") -> None:
    """Record that the figures of runs on other data are shown, unless they were before."""
    from workbench.workflow.access import record_run_access

    with _OPENING:
        for run in compared.singles():
            if not matrix_opened(session.store, run):
                record_run_access(
                    session.store,
                    run,
                    purpose=f"matrix {run.runs[0].id}",
                    author=session.settings.author,
                )
