"""Versions side by side: nothing is computed or counted before it is asked for."""

from collections.abc import Mapping, Sequence

import streamlit as st

from workbench.app.comparisons import (
    MOST,
    Choices,
    Chosen,
    accesses_so_far,
    choices,
    choose,
    common_configurations,
    common_test_sets,
    experiment_words,
    open_comparison,
    opened_before,
)
from workbench.app.identity import signed
from workbench.app.services import Session, current_session
from workbench.app.widgets import escaped, heading, keep_in_address, moment, named, show_errors
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError

TITLE = "Compare"
ICON = ":material/compare_arrows:"
ORDER = 50

_BY_VERSION, _BY_RUN = "Versions", "Runs"


def render() -> None:
    """Show the page."""
    heading(TITLE, "Which set of attributes is better, and how sure one may be.")
    with show_errors():
        session = current_session()
        found = choices(session.store)
        if len(found.runs) < 2:
            st.info(
                "A comparison needs two versions with a finished run each. Start one on the page "
                "Runs, under the same experiment for both."
            )
            return
        chosen = _chosen(session, found)
        if chosen is not None:
            _answer(session, chosen)


def _answer(session: Session, chosen: Chosen) -> None:
    opened = opened_before(session, chosen)
    if opened is None:
        _offer(session, chosen)
        return
    from workbench.app.comparison_sections import show_sections, show_verdicts
    from workbench.app.comparison_view import View

    so_far = accesses_so_far(session.store, chosen).looks
    last = opened.looks[-1]
    counted = opened.comparison.looks.looks if opened.comparison.looks else so_far
    show_verdicts(opened.comparison)
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(
        escaped(
            f"Opened by {last.author} on {moment(last.at)}, when the test set had been accessed "
            f"{count_text(counted, 'time')}; shown from the record, which counts nothing."
            + (f" By now: {count_text(so_far, 'access', 'accesses')}." if so_far > counted else "")
        )
    )
    if right.button(
        "Compare again",
        help=f"With what is known by now; {_cost(chosen)}.",
        width="stretch",
    ):
        signed(session, lambda named: _open(named, chosen, after=last.id))
    show_sections(View(session, chosen, opened))


def _offer(session: Session, chosen: Chosen) -> None:
    """Say what a comparison would cost, and wait to be asked for it."""
    so_far = accesses_so_far(session.store, chosen)
    before = (
        f"been accessed {count_text(so_far.looks, 'time')} so far, for "
        f"{count_text(so_far.versions, 'version')}"
        if so_far.looks
        else "not been accessed yet"
    )
    runs = ", ".join(
        f"{label} (run {run})" for label, run in zip(chosen.labels, chosen.runs, strict=True)
    )
    st.markdown(
        f"**{escaped(runs)}**  \n"
        + escaped(
            "Each look at the figures of a test set costs the claims made on it something. "
            f"Comparing these is {_cost(chosen)}; this test set has {before}."
        )
    )
    if st.button("Compare", type="primary"):
        signed(session, lambda named: _open(named, chosen, after=0))


def _open(session: Session, chosen: Chosen, *, after: int) -> None:
    with st.spinner("Drawing 10,000 samples of the photographs…"):
        open_comparison(session, chosen, after=after)
    st.rerun()


def _cost(chosen: Chosen) -> str:
    return f"{len(chosen.runs)} test-set accesses, one for each run"


def _chosen(session: Session, found: Choices) -> Chosen | None:
    """Ask what to compare, as far as there is a choice; None while something is missing."""
    by = st.segmented_control(
        "Compare",
        (_BY_VERSION, _BY_RUN),
        default=_BY_VERSION,
        required=True,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    runs = _chosen_runs(found) if by == _BY_RUN else _runs_of_versions(session, found)
    if len(runs) < 2:
        return None
    test_sets = common_test_sets(session.store, runs)
    on = _one_of(
        "Images",
        "images",
        {one.hash: one.words for one in test_sets},
        "A test set of its own, whose accesses are counted apart.",
    )
    return choose(found, runs, test_sets, on)


def _runs_of_versions(session: Session, found: Choices) -> list[int]:
    name = named(found.versions)
    hashes = _several(
        "Versions to compare",
        "versions",
        {version.hash: name(version.hash) for version in found.versions},
        found.newest,
    )
    # The older one first, whatever was clicked first: a pair says what the newer one gained.
    ordered = [one.hash for one in reversed(found.versions) if one.hash in hashes]
    if len(ordered) < 2:
        st.info("Choose two versions or more.")
        return []
    configs = common_configurations(found.runs, ordered)
    if not configs:
        labels = ", ".join(one.label for one in reversed(found.versions) if one.hash in hashes)
        raise ConfigError(
            f"No experiment has been run to its end for all of {labels}. Run each of them with "
            "the same one on the page Runs, or compare single runs."
        )
    words = experiment_words(session.store, list(configs))
    return configs[
        _one_of(
            "Experiment",
            "experiment",
            {config: words[config] for config in configs},
            "The runs of one experiment only differ in the version.",
        )
    ]


def _chosen_runs(found: Choices) -> list[int]:
    labels = {version.hash: version.label for version in found.versions}
    runs = _several(
        "Runs to compare",
        "runs",
        {
            str(run.id): f"run {run.id} · {labels[run.version]} · {moment(run.finished_at)}"
            for run in found.runs
        },
        [],
    )
    if len(runs) < 2:
        st.info("Choose two runs or more.")
        return []
    return sorted(map(int, runs))


def _several(
    label: str, name: str, options: Mapping[str, str], default: Sequence[str]
) -> list[str]:
    """Return what is chosen of many, which the address says as well."""
    key = f"compare-{name}"
    if key not in st.session_state:
        linked = [_named_by(part, options, name) for part in st.query_params.get_all(name)]
        st.session_state[key] = [one for one in linked if one in options][:MOST] or list(default)
    chosen = st.multiselect(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        max_selections=MOST,
        select_all=False,
        persist_state="session",
        placeholder="Type to search",
    )
    keep_in_address(name, [one[:_DIGITS] for one in chosen])
    return chosen


def _one_of(label: str, name: str, options: Mapping[str, str], help: str) -> str:
    """Return the one that is chosen, which the address says as well; the first if it is alone."""
    key = f"compare-{name}"
    if len(options) == 1:
        ((only, words),) = options.items()
        st.caption(escaped(f"{label}: {words}"))
        return only
    if key not in st.session_state:
        linked = st.query_params.get(name, "")
        st.session_state[key] = _named_by(linked, options, name) if linked else ""
    if st.session_state[key] not in options:
        st.session_state[key] = next(iter(options))
    chosen: str = st.selectbox(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        help=help,
        persist_state="session",
    )
    keep_in_address(name, [chosen[:_DIGITS]])
    return chosen


_DIGITS = 12  # of a hash in an address


def _named_by(part: str, options: Mapping[str, str], name: str) -> str:
    """Return the option that an address names by its first digits, or say that there is none."""
    matching = [one for one in options if one == part or (len(part) > 5 and one.startswith(part))]
    if len(matching) == 1:
        return matching[0]
    what = name.removesuffix("s") if name != "images" else "test set"
    st.warning(escaped(f"This link names the {what} '{part[:40]}', which cannot be shown here."))
    return ""
