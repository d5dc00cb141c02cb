"""Where things are and what is asked for by default; the only reader of environment variables."""

import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from workbench.errors import ConfigError
from workbench.roles import ROLES, Actor, Established, Role
from workbench.text_files import read_yaml

_PACKAGE = Path(str(files("workbench")))
_CHECKOUT = _PACKAGE.parent

NOBODY = "unknown"  # the author while nobody is named

PROGRESS = "_WORKBENCH_PROGRESS"  # names the file in which a job of a page says how far it is
DEFAULT_MODEL = "gpt-4o-mini"  # of OpenAI's API, if a key is set and no model is named


_DIGITS = 9  # of a count
_BUDGETS = ("max_tokens", "max_completion_tokens")

_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_PRICES = TypeAdapter(dict[str, tuple[_Price, _Price]])


class Roles(BaseModel):
    """Who may change what, as the file that WORKBENCH_ROLES names says it.

    Attributes:
        people: Login to role; capitals don't matter.
        default: The role of who is logged in and not among them; none shows them nothing.
        claim: What of a login names the person. An e-mail address counts only if the identity
            provider says that it is verified.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: Mapping[str, Role] = {}
    default: Role | Literal["none"] = "viewer"
    claim: str = "email"

    def of(self, login: str) -> Role | None:
        """Return the role of a login; None if it has none.

        Example:
            >>> Roles(people={"Eva@lab.org": "admin"}, default="none").of("eva@LAB.org")
            'admin'
        """
        known = {name.casefold(): role for name, role in self.people.items()}
        role = known.get(login.casefold(), self.default)
        return None if role == "none" else role


class Settings(BaseModel):
    """One user's surroundings.

    Attributes:
        home: The folder with `attribute_db/` and `experiments/`; the checkout, else the working
            directory.
        database_url: SQLAlchemy URL of the store.
        cache: Folder for what can be made again (images, models).
        api_key, base_url, model: The OpenAI-compatible service; without a key a local server runs.
        gguf: Path of a GGUF model for the local server.
        offline: Never try to reach a hub.
        device: Where torch computes; "auto" takes a GPU if there is one.
        devices: How many GPUs, or processes on a CPU, share every batch of a training.
        threads: CPU threads of the local language model.
        author: Who edits and freezes, for the record.
        role: What that person may change.
        established: How the name is known.
        login: Whether the pages ask for a login, and take no other name.
        roles_file: Who may change what, of those who log in.
        secrets: File with the section "auth", which sets up the login.
        log_events: Whether acts and requests are logged, one JSON line each.
        prices: Model to its price, as (prompt, completion) in US dollars per million tokens.
        model_options: Fields of every request to a language model, and under "models" those of
            single ones; None leaves a field out.
    """

    model_config = ConfigDict(frozen=True)

    home: Path
    database_url: str
    cache: Path
    api_key: str | None
    base_url: str | None
    model: str | None
    gguf: Path | None
    offline: bool
    device: str
    devices: int = 1
    threads: int
    author: str
    role: Role = "admin"
    established: Established = "command line"
    login: bool = False
    roles_file: Path | None = None
    secrets: Path | None = None
    log_events: bool = False
    prices: Mapping[str, tuple[float, float]] = {}
    model_options: Mapping[str, Any] = {}

    @property
    def results(self) -> Path:
        """Folder that receives logs, checkpoints and reports of runs."""
        return self.home / "experiments" / "results"

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return Actor(self.author, self.role, self.established)

    def options_of(self, model: str) -> dict[str, Any]:
        """Return the fields of every request to a language model; None leaves one out."""
        options = {name: value for name, value in self.model_options.items() if name != "models"}
        options |= self.model_options.get("models", {}).get(model, {})
        for name, other in (_BUDGETS, _BUDGETS[::-1]):  # two names of one field: one is sent
            if options.get(name) is not None:
                options.setdefault(other, None)
        return options


def read_settings(*, database_url: str | None = None) -> Settings:
    """Read the environment once and return what it says.

    Args:
        database_url: Overrides WORKBENCH_DB and the default.
    """
    env = os.environ
    home = _path("WORKBENCH_HOME") or (_CHECKOUT if _is_checkout() else Path.cwd())
    return Settings(
        home=home,
        database_url=database_url
        or env.get("WORKBENCH_DB")
        or sqlite_url(home / "attribute_db" / "workbench.sqlite"),
        cache=_path("WORKBENCH_CACHE") or user_cache_path("attribute-workbench"),
        api_key=env.get("OPENAI_API_KEY") or None,
        base_url=env.get("OPENAI_BASE_URL") or None,
        model=env.get("WORKBENCH_MODEL") or None,
        gguf=_path("WORKBENCH_GGUF"),
        offline=env.get("WORKBENCH_OFFLINE", "") not in ("", "0"),
        device=env.get("WORKBENCH_DEVICE") or "auto",
        devices=_count("WORKBENCH_DEVICES") or 1,
        threads=_count("WORKBENCH_THREADS") or os.cpu_count() or 1,
        author=env.get("WORKBENCH_AUTHOR") or env.get("USER") or env.get("USERNAME") or NOBODY,
        role=_role("WORKBENCH_ROLE"),
        login=env.get("WORKBENCH_LOGIN", "") not in ("", "0"),
        roles_file=_path("WORKBENCH_ROLES"),
        secrets=_path("WORKBENCH_SECRETS"),
        log_events=env.get("WORKBENCH_LOG", "") == "json",
        prices=_prices(_path("WORKBENCH_PRICES") or home / "prices.yaml"),
        model_options=_model_options("WORKBENCH_MODEL_OPTIONS"),
    )


def read_roles(file: Path | None) -> Roles:
    """Read who may change what; without a file, who is logged in is a viewer.

    Raises:
        ConfigError: It cannot be read, or says something else.
    """
    if file is None:
        return Roles()
    try:
        return Roles.model_validate(read_yaml(file.read_text(encoding="utf-8")) or {})
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The roles in {file} cannot be used; write 'people:' and below it a line for each, "
            f"such as 'eva@lab.org: editor'; roles are {', '.join(ROLES)}, and 'default:' names "
            "that of all others, or none."
        ) from error


TRACKING = "MLFLOW_TRACKING_URI"  # names an MLflow server
TRACKED_AS = "attribute workbench"  # the experiment there, unless another is named


def environment(*names: str) -> dict[str, str]:
    """Return those of these variables that are set, in this order."""
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def sqlite_url(file: Path) -> str:
    """Return the database URL of an SQLite file, whatever characters its path holds.

    Example:
        >>> sqlite_url(Path("/data/100% sharp?/w.sqlite"))
        'sqlite:////data/100%25%20sharp%3F/w.sqlite'

    Raises:
        ConfigError: The path is not UTF-8, which no URL can tell.
    """
    try:
        return f"sqlite:///{quote(str(file), safe='/:')}"
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"The store cannot be in {os.fsencode(file)!r}: the path is not UTF-8. Set "
            "WORKBENCH_HOME to another folder."
        ) from error


def max_megapixels() -> int:
    """Return how many million pixels an image may have, WORKBENCH_MAX_MEGAPIXELS.

    The default takes what cameras and phones make; far more is more likely a file made to fill
    the memory.
    """
    return _count("WORKBENCH_MAX_MEGAPIXELS") or 250


@cache
def resource(name: str) -> Path:
    """Return a folder or file that ships with the workbench.

    In a checkout these lie at the top ("prompts", "attribute_db/curated"); in an installed
    package the same paths lie in `workbench/data`.

    Args:
        name: Path relative to the top of the checkout.
    """
    return (_CHECKOUT if _is_checkout() else _PACKAGE / "data") / name


def _prices(file: Path) -> dict[str, tuple[float, float]]:
    """Read the price table, `MODEL: [PROMPT, COMPLETION]` a line; none ships, for prices change."""
    try:
        table = read_yaml(file.read_text(encoding="utf-8")) if file.is_file() else None
        return _PRICES.validate_python({} if table is None else table)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The price table {file} cannot be used; write one line for each model, such as "
            "'MODEL: [0.15, 0.60]', in US dollars per million prompt and completion tokens."
        ) from error


def _model_options(variable: str) -> dict[str, Any]:
    """Read fields of requests: YAML or JSON in the variable itself, or in the file it names."""
    text = os.environ.get(variable, "").strip()
    if not text:
        return {}
    where = variable
    try:
        if not ({*text} & {*"{}\n"}) and ": " not in text:
            where = f"{variable} ({text})"
            text = Path(text).expanduser().read_text(encoding="utf-8")
        options = read_yaml(text)
        models = options.get("models") or {}
        for each in (options, *models.values()):
            _check_options(each)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        why = {OSError: "no such file", ValueError: str(error)}
        reason = next((words for kind, words in why.items() if type(error) is kind), None)
        reason = reason or getattr(error, "strerror", None) or "it is no mapping of fields"
        raise ConfigError(
            f"{where} cannot be used: {reason}. Write fields of a request, such as "
            "'{seed: null, max_completion_tokens: 4000}' where null leaves a field out, or the "
            "path of a YAML file of them; '{models: {NAME: {...}}}' is for single models."
        ) from error
    return {**options, "models": models}


def _check_options(options: dict[str, Any]) -> None:
    """Raise a ValueError that says which field of a request cannot be set."""
    json.dumps(options, allow_nan=False)
    for name in ("model", "messages", "stream", "n"):
        if name in options:
            raise ValueError(f"{name} is not yours to set")
    if options.get("seed") is not None:
        raise ValueError("seed can only be null, since each sample has its own")
    for name in _BUDGETS:
        budget = options.get(name)
        if budget is not None and not (type(budget) is int and budget > 0):
            raise ValueError(f"{name} is {budget!r}, no whole number above 0")


def _role(variable: str) -> Role:
    text = os.environ.get(variable) or "admin"
    for role in ROLES:
        if text == role:
            return role
    raise ConfigError(f"{variable} must be one of {', '.join(ROLES)}; got '{text}'.")


def _path(variable: str) -> Path | None:
    """Return the path in a variable; a leading ~ is the home folder, as in a shell."""
    text = os.environ.get(variable)
    return Path(text).expanduser() if text else None


def _count(variable: str) -> int | None:
    text = os.environ.get(variable)
    if text and not (text.isdecimal() and len(text) <= _DIGITS and int(text) > 0):
        raise ConfigError(f"{variable} must be a whole number above 0, got '{text[:40]}'.")
    return int(text) if text else None


def _is_checkout() -> bool:
    return (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "prompts").is_dir()
