"""What the pages ask of the rest of the workbench: plain functions, no widgets.

Whatever needs torch is imported when it is first asked for, so that a page shows at once.
"""

import gc
import re
import secrets
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import streamlit as st

from workbench.domain.comparison import AccessCount
from workbench.domain.config import DatasetConfig, RunConfig
from workbench.domain.metrics import QualityMetrics
from workbench.domain.run import Run
from workbench.errors import RoleError
from workbench.experiment.config_files import experiment_files, load_experiment
from workbench.queue.processes import run_log
from workbench.roles import Actor
from workbench.settings import NOBODY, Settings, read_roles, read_settings
from workbench.store import Store, open_store
from workbench.workflow.curation import DraftBoard
from workbench.workflow.draft_acts import curated_set as curated_set
from workbench.workflow.runs import restart_run
from workbench.workflow.runs import start_run as queue_run

ACTIVE = frozenset({"queued", "running"})
RESUMABLE = frozenset({"interrupted", "failed", "cancelled"})
AUTHOR, CLIENT = "author", "client"  # where a session keeps its name and its browser's token
MANY_OBJECTS = 50_000  # a collection of so many takes some 20 ms
THOROUGH_S = 600.0  # between collections of everything
_COOKIES = {AUTHOR: "workbench_name", CLIENT: "workbench_client"}


class Session(NamedTuple):
    """Where a page works, and for whom.

    Attributes:
        settings: The user's settings; their author is who works here.
        store: The store they name, working for this browser: what is edited through it carries
            the browser's token, and its `record.undoable` offers only what came from here.
    """

    settings: Settings
    store: Store

    @property
    def author(self) -> str:
        """The name under which everything is kept; "unknown" while nobody is named."""
        return self.settings.author

    @property
    def is_named(self) -> bool:
        """Whether somebody is named; else `identity.signed` asks before an edit."""
        return self.author != NOBODY

    @property
    def client(self) -> str:
        """Random token of this browser, the same in all its tabs."""
        return self.store.database.client or ""


def current_session() -> Session:
    """Return the settings and the open store; one store per URL, shared by all sessions.

    The author is who is logged in. Where no login is set up, it is who this browser says it is
    (`identity.show_person`), else that of the settings.

    Raises:
        RoleError: Nobody is logged in, or somebody who has no role.
        StoreError: The store cannot be opened.
    """
    settings = read_settings()
    if AUTHOR not in st.session_state or CLIENT not in st.session_state:
        _remember()
    actor = logged_in(settings) if asks_login(settings) else _typed(settings)
    named = {"author": actor.name, "role": actor.role, "established": actor.established}
    settings = settings.model_copy(update=named)
    store = _store(settings.database_url)
    return Session(settings, store.working_for(settings.actor, st.session_state[CLIENT]))


def asks_login(settings: Settings) -> bool:
    """Tell whether the pages take no other name than that of a login."""
    return settings.login or (st.secrets.load_if_toml_exists() and "auth" in st.secrets)


def logged_in(settings: Settings) -> Actor:
    """Return who is logged in, by what the identity provider says and the file of roles.

    Raises:
        RoleError: Nobody is, or somebody who has no role.
        ConfigError: The file of roles cannot be used.
    """
    login = st.user.to_dict()
    if not login.get("is_logged_in"):
        raise RoleError("Log in first: this workbench shows and changes nothing without a login.")
    roles = read_roles(settings.roles_file)
    name = " ".join(str(login.get(roles.claim) or "").split())
    if not name or not name.isprintable():
        raise RoleError(
            f"Your login says no '{roles.claim}', by which people are known here. Whoever runs "
            "this workbench names another claim in the file of roles."
        )
    if roles.claim == "email" and login.get("email_verified") is not True:
        raise RoleError(
            f"Your login does not say that {name} is verified, so that it could be anybody's. "
            "Whoever runs this workbench names another claim in the file of roles."
        )
    role = roles.of(name)
    if role is None:
        raise RoleError(f"{name} has no role here. Whoever runs this workbench grants roles.")
    return Actor(name, role, "login")


def _typed(settings: Settings) -> Actor:
    return Actor(st.session_state[AUTHOR] or settings.author, settings.role, "typed name")


def _remember() -> None:
    """Take name and token from the browser's cookies; a browser without gets a new token."""
    cookies = dict(st.context.cookies.items())
    kept = {key: unquote(cookies.get(name, "")) for key, name in _COOKIES.items()}
    st.session_state[AUTHOR] = kept[AUTHOR] if kept[AUTHOR].isprintable() else ""
    st.session_state[CLIENT] = kept[CLIENT] if is_client(kept[CLIENT]) else secrets.token_hex(16)


def is_client(text: str) -> bool:
    """Tell whether a text is a token that a browser was given."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


@st.cache_resource(show_spinner=False)
def _store(url: str) -> Store:
    return open_store(url)


@st.cache_resource(show_spinner=False)
def board_of(_store: Store, url: str) -> DraftBoard:
    """Return the board of a store's draft, shared by all sessions.

    Args:
        url: The store's URL, which tells boards apart.
    """
    del url
    return DraftBoard(_store)


def experiments(settings: Settings) -> dict[str, Path]:
    """Return name to file of the experiments that ship, and of those in the user's own folder."""
    own = sorted((settings.home / "experiments").glob("*.yaml"))
    return {file.stem: file for file in (*experiment_files(), *own)}


def start_run(session: Session, version: str, experiment: Path, *, again: bool = False) -> Run:
    """Put a run into the queue and see to it that a worker is alive.

    Args:
        session: Settings and store.
        version: Hash of a version.
        experiment: The YAML file.
        again: Run it even if its result is there already.

    Returns:
        The new run, or the one that already gave this result.

    Raises:
        ConfigError: The experiment is faulty, or the version lacks one of its distortions.
        RunError: No worker can be started; the run stays in the queue.
    """
    config = load_experiment(experiment)
    return queue_run(session.store, version, config, settings=session.settings, again=again)


def resume_run(session: Session, run: int) -> None:
    """Put a run that was broken off into the queue again and see to it that a worker is alive.

    Args:
        session: Settings and store.
        run: Number of a run that is interrupted, failed or cancelled; what it trained is kept.

    Raises:
        StoreError: There is no such run, or it cannot be resumed.
        RunError: No worker can be started; the run stays in the queue.
    """
    restart_run(session.store, run, settings=session.settings)


def log_tail(settings: Settings, run: int, lines: int = 30) -> str:
    """Return the last lines of a run's log; empty while there is none."""
    try:
        text = run_log(settings, run).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


class OpenedFigures(NamedTuple):
    """Figures of one run as one session sees them, with how often its test part was looked at."""

    quality: QualityMetrics
    target: str
    looks: AccessCount


def open_figures(session: Session, run: int) -> OpenedFigures:
    """Return the figures of a run that is done, and record that they are shown.

    Args:
        session: Settings and store.
        run: Number of the run.

    Raises:
        ConfigError: The run is not done.
    """
    from workbench.evaluation.comparable import ComparedRuns
    from workbench.workflow.access import record_run_access

    runs = ComparedRuns.of([session.store.runs.get(run)], [f"run {run}"])
    looks = record_run_access(
        session.store, runs, purpose=f"page Runs, run {run}", author=session.settings.author
    )
    return OpenedFigures(runs.results[0].quality, runs.protocol.target, looks)


def configuration_words(config: RunConfig) -> str:
    """Say in one line what an experiment does.

    Example:
        >>> from workbench.domain.config import DataConfig
        >>> print(configuration_words(RunConfig(data=DataConfig(distortions=("jpeg",)))))
        1 distortion, packaged photographs at 384×288 px; encoder auto, shallow tuning; 5 folds
    """
    data, count = config.data, len(config.data.distortions)
    if isinstance(data, DatasetConfig):
        source = f"{data.dataset} in {data.root}" if data.root else data.dataset
    else:
        own = "packaged photographs" if data.photographs == "packaged" else data.photographs
        source = f"{own} at {data.width}×{data.height} px"
    return (
        f"{count} distortion{'s' * (count > 1)}, {source}; "
        f"encoder {config.encoder.name}, {config.tuning.mode} tuning; {config.split.folds} folds"
    )


@st.cache_resource(show_spinner=False)
def _last_thorough() -> list[float]:
    """Return the moment of the last collection of everything, of the whole process."""
    return [-THOROUGH_S]


def spare_collections() -> None:
    """Leave what is there to stay out of garbage collections; to be called after a page is drawn.

    Streamlit collects garbage after each run of a script, and of a fragment. It looks at every
    object of every module each time: .2 s and more, which is most of what a press of a key costs.
    What is frozen is passed over; it is looked through once in ten minutes.
    """
    last = _last_thorough()
    if time.monotonic() - last[0] < THOROUGH_S and len(gc.get_objects()) < MANY_OBJECTS:
        return
    last[0] = time.monotonic()
    gc.unfreeze()
    gc.collect()
    gc.freeze()
