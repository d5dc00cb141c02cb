"""What is to be run, chosen in a form: versions × experiments × seeds, with an estimate first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import streamlit as st

from workbench.app.identity import signed
from workbench.app.markup import html_table
from workbench.app.services import Session, configuration_words, experiments
from workbench.app.terms import term
from workbench.app.widgets import announce, escaped, keep_in_address, named, show_errors
from workbench.datasets.adapters import adapters, registered_tables
from workbench.domain.config import (
    DataConfig,
    DatasetConfig,
    QualityMetricName,
    RegressorConfig,
    RunConfig,
    TuningConfig,
)
from workbench.domain.lineage import VersionSummary
from workbench.domain.number_format import count_text
from workbench.experiment.config_files import (
    as_document,
    load_experiment,
    parse_experiment,
    save_experiment,
)
from workbench.workflow.submission import (
    Submission,
    estimate_text,
    parse_seeds,
    plan_submission,
    start_submission,
)

_VERSIONS, _EXPERIMENT, _SEEDS = "chosen versions", "starting point", "seeds"
ENCODERS = ("auto", "offline", "dinov2")
MODES = {
    "shallow": "prompts at the input",
    "deep": "prompts at every block",
    "whole": "the whole image tower",
    "none": "nothing: the encoder as it is",
}
GIVEN = {
    "attributes": "attributes",
    "strengths": "strengths only",
    "embedding": "the embedding (explains nothing)",
}
SHOWN = 50  # rows of a matrix
MANY = 200  # runs that one submission makes at most in the browser


def show_form(session: Session, versions: Sequence[VersionSummary]) -> bool:
    """Show the form; return whether runs were started."""
    files = experiments(session.settings)
    if not versions:
        st.info("Nothing is frozen yet. Freeze the draft on the page Curate.")
        return False
    if not files:
        st.info("There is no experiment to start from.")
        return False
    chosen, started = _versions(versions), False
    name = st.selectbox(
        "Start from the experiment",
        list(files),
        key=_EXPERIMENT,
        persist_state="session",
        help="Its settings fill the form below; the file itself stays as it is.",
    )
    with show_errors():
        base = load_experiment(files[name])
        raw = _settings(session, base, chosen)
        seeds_text = st.text_input(
            "Seeds of training",
            value=str(base.seed),
            key=_key(_SEEDS),
            persist_state="session",
            help="One run for each, such as 0, 1, 2. Images and folds stay the same.",
        )
        others = st.multiselect(
            "Further experiments beside it, as their files have them",
            [other for other in files if other != name],
            key=_key("others"),
            persist_state="session",
        )
        config = parse_experiment(raw, "This form")
        st.caption(escaped(in_words(config)))
        _save(session, config, name)
        configs = [config, *(load_experiment(files[other]) for other in others)]
        if chosen:
            started = _matrix(session, chosen, configs, parse_seeds(seeds_text))
        else:
            st.info("Choose a version.")
    return started


def in_words(config: RunConfig) -> str:
    """Say what an experiment does.

    Example:
        >>> from workbench.domain.config import DataConfig
        >>> print(in_words(RunConfig(data=DataConfig(distortions=("jpeg",)))))
        1 distortion, packaged photographs at 384×288 px; encoder auto, shallow tuning; 5 folds; \
16 prompts, 100 epochs of 4 crops; mlp regressor on attributes
    """
    tuning, regressor = config.tuning, config.regressor
    prompts = count_text(tuning.prompts, "prompt")
    trained = {"none": "", "whole": ""}.get(tuning.mode, f"{prompts}, ")
    epochs = f"{count_text(tuning.epochs, 'epoch')} of {count_text(tuning.crops, 'crop')}"
    tuned = "" if tuning.mode == "none" else f"; {trained}{epochs}"
    return f"{configuration_words(config)}{tuned}; {regressor.kind} regressor on {regressor.given}"


def _key(field: str) -> str:
    """Return what a field is kept under: each starting point has fields of its own.

    One field for all would stay in the browser as it is, whatever another experiment says.
    """
    return f"new {st.session_state[_EXPERIMENT]} {field}"


def _versions(versions: Sequence[VersionSummary]) -> list[str]:
    hashes = [version.hash for version in versions]
    if _VERSIONS not in st.session_state:
        wanted = st.query_params.get_all("version")
        linked = [
            version.hash
            for version in versions
            if any(ref in version.aliases or version.hash.startswith(ref) for ref in wanted if ref)
        ]
        st.session_state[_VERSIONS] = linked or hashes[:1]
    chosen: list[str] = st.multiselect(
        "Versions to run",
        hashes,
        format_func=named(versions),
        key=_VERSIONS,
        select_all=False,
        persist_state="session",
        placeholder="Type to search",
    )
    keep_in_address("version", [hash[:12] for hash in chosen])
    return chosen


def _settings(session: Session, base: RunConfig, versions: Sequence[str]) -> dict[str, Any]:
    """Let the experiment's settings be changed; return them as an experiment file has them."""
    raw = as_document(base)
    data, tuning, regressor = st.columns(3)
    with data:
        st.markdown("**Images**")
        raw["data"] = _data(session, base.data, versions)
    with tuning:
        st.markdown("**Encoder and tuning**")
        raw["encoder"] |= _encoder(base)
        raw["tuning"] |= _tuning(base.tuning)
    with regressor:
        st.markdown("**Regressor and folds**")
        raw["regressor"] |= _regressor(base.regressor)
        raw["split"] |= _split(base)
    return raw


def _data(
    session: Session, base: DataConfig | DatasetConfig, versions: Sequence[str]
) -> dict[str, Any]:
    is_dataset = isinstance(base, DatasetConfig)
    source = _choice(
        "Source",
        ("photographs", "dataset"),
        "dataset" if is_dataset else "photographs",
        "source",
        {"photographs": "photographs that are distorted here", "dataset": "a dataset"},
    )
    raw = dict(base) if is_dataset == (source == "dataset") else {}
    raw["distortions"] = _types(session, base.distortions, versions)
    if source == "dataset":
        names = [*adapters(), *registered_tables(session.settings.home)]
        raw["dataset"] = _choice("Dataset", names, raw.get("dataset", names[0]), "dataset")
        raw["root"] = _text("Folder of its files", raw.get("root", ""), "root")
        images = _number("Largest number of images (0: all)", raw.get("images") or 0, "images")
        raw["images"] = images or None
        return raw
    raw["photographs"] = _text(
        "Photographs", raw.get("photographs", "packaged"), "photographs",
        help="“packaged”, or a folder on the machine that runs them.",
    )  # fmt: skip
    width, height = st.columns(2)
    with width:
        raw["width"] = _number("Width", raw.get("width", 384), "width")
    with height:
        raw["height"] = _number("Height", raw.get("height", 288), "height")
    raw["quality_metric"] = _choice(
        "Quality target",
        get_args(QualityMetricName),
        raw.get("quality_metric", "haarpsi"),
        "metric",
    )
    return raw


def _types(session: Session, base: Sequence[str], versions: Sequence[str]) -> list[str]:
    catalogue = session.store.recipes.catalogue()
    sets = (session.store.versions.get(hash).attributes for hash in versions)
    of_versions = [set(attributes.distortions) for attributes in sets]
    shared = set.intersection(*of_versions) if of_versions else set()
    ways = {
        "experiment": f"as in the experiment ({len(base)})",
        "versions": f"all that the versions have attributes for ({len(shared)})",
        "chosen": "of my choice",
    }
    way = _choice("Distortion types", list(ways), "experiment", "types", ways)
    if way == "versions":
        return sorted(id for id in shared if id in catalogue and catalogue[id].has_operator)
    if way == "experiment":
        return list(base)
    names = {id: spec.name for id, spec in catalogue.items() if id in shared or id in base}
    return st.multiselect(
        "Types",
        sorted(names, key=lambda id: names[id].casefold()),
        default=[id for id in base if id in names],
        format_func=names.__getitem__,
        key=_key("chosen types"),
        persist_state="session",
    )


def _encoder(base: RunConfig) -> dict[str, Any]:
    known = list(dict.fromkeys((*ENCODERS, base.encoder.name)))
    name = st.selectbox(
        "Encoder",
        known,
        index=known.index(base.encoder.name),
        key=_key("encoder"),
        persist_state="session",
        accept_new_options=True,
        help=f"{term('encoder')} Any name that open_clip knows can be typed.",
    )
    pretrained = _text("Its weights", base.encoder.pretrained or "", "pretrained")
    return {"name": name, "pretrained": pretrained or None}


def _tuning(base: TuningConfig) -> dict[str, Any]:
    mode = _choice("What is tuned", list(MODES), base.mode, "mode", MODES)
    raw: dict[str, Any] = {"mode": mode}
    if mode in ("shallow", "deep"):
        raw["prompts"] = _number(
            "Prompts", base.prompts, "prompts", help=term("shallow and deep prompts")
        )
    if mode != "none":
        raw["epochs"] = _number("Epochs", base.epochs, "epochs")
        raw["crops"] = _number("Crops per image", base.crops, "crops", help=term("crop"))
        raw["learning_rate"] = st.number_input(
            "Learning rate", value=base.learning_rate, format="%g", step=base.learning_rate / 10,
            key=_key("rate"), persist_state="session",
        )  # fmt: skip
    return raw


def _regressor(base: RegressorConfig) -> dict[str, Any]:
    return {
        "kind": _choice("Regressor", ("mlp", "linear"), base.kind, "kind", help=term("regressor")),
        "given": _choice("What it reads", list(GIVEN), base.given, "given", GIVEN),
        "readout": _choice(
            "How it reads an attribute",
            ("log_odds", "probabilities"),
            base.readout,
            "readout",
            {"log_odds": "by its log-odds", "probabilities": "by its probability"},
            help=term("readout"),
        ),
    }


def _split(base: RunConfig) -> dict[str, Any]:
    return {
        "folds": _number("Folds", base.split.folds, "folds", help=term("fold")),
        "repeats": _number("Repeats of the folds", base.split.repeats, "repeats"),
        "locked": st.number_input(
            "Share of photographs locked away", value=base.split.locked, step=0.05,
            key=_key("locked"), persist_state="session", help=term("locked photographs"),
        ),
    }  # fmt: skip


def _choice(
    label: str,
    options: Sequence[str],
    value: str,
    key: str,
    words: Mapping[str, str] | None = None,
    help: str | None = None,
) -> str:
    listed = list(options)
    return st.selectbox(
        label,
        listed,
        index=listed.index(value) if value in listed else 0,
        format_func=lambda option: (words or {}).get(option, option),
        key=_key(key),
        persist_state="session",
        help=help,
    )


def _number(label: str, value: int, key: str, help: str | None = None) -> int:
    """Ask for a whole number; the configuration says which ones it takes."""
    return st.number_input(
        label, value=value, step=1, key=_key(key), persist_state="session", help=help
    )


def _text(label: str, value: str, key: str, help: str | None = None) -> str:
    return st.text_input(label, value=value, key=_key(key), persist_state="session", help=help)


def _save(session: Session, config: RunConfig, name: str) -> None:
    with st.popover("Save as an experiment of my own", icon=":material/save:"):
        own = st.text_input("Its name", value=f"{name}-mine", key=_key("own name"))
        if st.button("Save"):
            with show_errors():
                file: Path = save_experiment(session.settings, own, config)
                announce(f"Saved as {file.name}; it can be chosen as a starting point.")
                st.rerun()


def _matrix(
    session: Session, versions: Sequence[str], configs: Sequence[RunConfig], seeds: Sequence[int]
) -> bool:
    """Show what would be run and what it takes; return whether it was started."""
    again = st.checkbox(
        "Run also what is done already, from the start", key=_key("again"),
        persist_state="session",
    )  # fmt: skip
    if len(versions) * len(configs) * len(seeds) > MANY:
        st.error(f"At most {MANY} runs are started together. Choose fewer versions or seeds.")
        return False
    seeded = seeds if len(configs) == 1 or len(seeds) > 1 else ()
    submission = plan_submission(
        session.store, versions, configs, settings=session.settings, seeds=seeded, again=again
    )
    _plan(submission)
    st.markdown(escaped(estimate_text(submission)))
    to_do = submission.to_do
    label = f"Start {count_text(len(to_do), 'run')}" if to_do else "Nothing to start"
    st.button(
        label, type="primary", disabled=not to_do, icon=":material/play_arrow:", on_click=_press
    )
    # A press counts even if the runs were started meanwhile, by its double or by somebody else.
    if st.session_state.pop(_PRESSED, False):
        signed(session, lambda named_session: _start(named_session, submission, again))
    return bool(st.session_state.pop(_STARTED, False))


_PRESSED, _STARTED = "start was pressed", "runs were started"


def _press() -> None:
    st.session_state[_PRESSED] = True


def _start(session: Session, submission: Submission, again: bool) -> None:
    with show_errors():
        runs = start_submission(session.store, submission, settings=session.settings, again=again)
        queued = sorted({run.id for run in runs if run.status != "done"})
        what = f"Run {queued[0]} is" if len(queued) == 1 else f"{len(queued)} runs are"
        st.session_state[_STARTED] = True
        announce(f"{what} in the queue.")


def _plan(submission: Submission) -> None:
    rows = [
        (run.label, run.config.name, str(run.config.seed), _state(run.state, run.run))
        for run in submission.runs[:SHOWN]
    ]
    st.html(html_table("What is run", ("version", "experiment", "seed", "state"), rows))
    if len(submission.runs) > SHOWN:
        st.caption(f"{len(submission.runs) - SHOWN} more.")


def _state(state: str, run: int | None) -> str:
    if state == "interrupted":
        return f"run {run}, interrupted: goes on where it was"
    return "new" if run is None else f"run {run}, {state}"
