"""Finished runs on an MLflow server: what is sent of a run, and the client that sends it."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from workbench.domain.attributes import Version
from workbench.domain.canonical import canonical_json, content_hash
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.run import LossPoint, Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.comparable import hash_of_test_set

KEY, SENT = "workbench.key", "workbench.sent"  # tags: which run it is, and what was sent of it
LONGEST = 6_000  # characters of a parameter or tag that MLflow keeps
PARAMS_AT_ONCE, METRICS_AT_ONCE = 100, 1_000  # that MLflow takes in one request
_ENDED: Mapping[str, str] = {"done": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
_DEFAULTS = {  # of MLflow's client, where the environment says nothing else
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nobody has asked for it
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # which holds one JSON document
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # seven take minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


class Point(NamedTuple):
    """A figure, at a step where it has several."""

    name: str
    value: float
    step: int = 0


class TrackedRun(NamedTuple):
    """What is sent of a run.

    Attributes:
        key: Names the run on whichever server and from whichever copy of the store.
        params: The configuration, flattened.
        points: Figures that exist, and losses.
        files: Texts by file name.
        started_ms, ended_ms: Milliseconds since 1970; all points bear the latter.
    """

    key: str
    name: str
    status: str
    started_ms: int
    ended_ms: int
    params: Mapping[str, str]
    points: Sequence[Point]
    tags: Mapping[str, str]
    files: Mapping[str, str]


class Sent(NamedTuple):
    """Where a run is on the server, and what was done for that."""

    run: int
    tracking_id: str
    url: str
    state: Literal["created", "updated", "unchanged"]


def flattened(value: Any, path: str = "") -> dict[str, str]:
    """Return a nested value as dotted names and texts; a list is one text.

    Example:
        >>> flattened({"tuning": {"epochs": 2, "on": True}, "ids": ["a"], "note": None})
        {'tuning.epochs': '2', 'tuning.on': 'true', 'ids': '["a"]', 'note': 'null'}
    """
    if isinstance(value, Mapping) and value:
        parts = (flattened(v, f"{path}.{k}" if path else str(k)) for k, v in value.items())
        return {name: text for part in parts for name, text in part.items()}
    return {_name(path): _cut(value if isinstance(value, str) else canonical_json(value))}


def tracked(
    run: Run, version: Version, losses: Iterable[LossPoint], files: Mapping[str, str], store: str
) -> TrackedRun:
    """Return what is sent of a run that has ended; the locked part is none of it.

    Args:
        run: Done, failed or cancelled.
        version: That it ran.
        losses: Of its trainings.
        files: Further texts by file name; empty ones are left out.
        store: Where the store is; only a hash of it is sent.
    """
    if run.status not in _ENDED or run.finished_at is None:
        raise ConfigError(
            f"Run {run.id} is {run.status}: only runs that are done, failed or cancelled are sent. "
            "Nothing was sent."
        )
    figures = list(_figures(run.result)) if run.result else []
    lacking = [f"{name}: {v.undefined}" for name, v, _ in figures if isinstance(v, Undefined)]
    points = [Point(n, value, s) for n, value, s in figures if not isinstance(value, Undefined)]
    points += [Point(_name(f"loss/{p.stage}"), p.loss, p.step) for p in losses]
    if run.result is not None:
        document = run.model_dump_json(indent=1, exclude={"result": {"locked"}})
        files = {"run.json": document, **files}
    tags = {
        "workbench.run": str(run.id),
        "workbench.store": content_hash(store)[:12],
        "workbench.version": run.version,
        "workbench.alias": ", ".join(version.aliases),
        "workbench.parent": version.parent or "",
        "workbench.config_hash": run.config.hash,
        "workbench.error": run.error or "",
        "workbench.undefined": "; ".join(dict.fromkeys(lacking)),
        **(_facts(run.result) if run.result else {}),
    }
    return TrackedRun(
        content_hash([run.version, run.config.hash, run.created_at.isoformat()])[:32],
        f"{version.label} {run.config.name} {run.id}",
        _ENDED[run.status],
        _milliseconds(run.started_at or run.created_at),
        _milliseconds(run.finished_at),
        flattened(run.config.model_dump(mode="json")),
        points,
        {name: _cut(text) for name, text in tags.items()},
        {name: text for name, text in files.items() if text},
    )


def _facts(result: RunResult) -> dict[str, str]:
    facts = {
        "workbench.test_hash": hash_of_test_set(result.protocol, result.predictions),
        "workbench.dataset": result.protocol.dataset,
        "workbench.encoder": result.encoder.name,
        "workbench.encoder_weights": result.encoder.weights,
    }
    return facts | {_name(f"library.{name}"): v for name, v in result.environment.items()}


def _figures(result: RunResult) -> Iterator[tuple[str, Metric, int]]:
    """Yield every figure with its name and its step: of a split, or of a draw of a control."""
    groups = [("quality", 0, result.quality), ("identification", 0, result.identification)]
    groups += [("all_clean", 0, result.all_clean)]
    groups += [(f"baseline/{name}", 0, quality) for name, quality in result.baselines.items()]
    for step, split in enumerate(result.splits, start=1):
        groups += [("split/quality", step, split.quality)]
        groups += [("split/identification", step, split.identification)]
    for control in result.controls:
        name = f"control/{control.name}"
        groups += [(f"{name}/quality", control.draw, control.quality)]
        groups += [(f"{name}/identification", control.draw, control.identification)]
    for transfer in result.transfers:
        name = f"transfer/{transfer.protocol.dataset}"
        groups += [(f"{name}/frozen", 0, transfer.frozen)]
        groups += [(f"{name}/zero_shot", 0, transfer.zero_shot)]
    for group, step, figures in groups:
        for name, value in figures:
            yield _name(f"{group}/{name}"), value, step


def _name(text: str) -> str:
    """Return a name that MLflow takes: letters, digits, and "_", "-", ".", "/" and blanks."""
    return re.sub(r"[^A-Za-z0-9_\-./ ]+ ?", "_", text)[:240].strip("/. ")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class TrackingServer:
    """An experiment of an MLflow server, which is made if there is none.

    Args:
        uri: Address of the server; a login comes from MLflow's own variables.
        experiment: Its name there.

    Raises:
        ConfigError: The client is not installed, the server cannot be reached or used, or refuses.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        self._uri, self._ml = _checked(uri), _client_library()
        self._client = self._ml.MlflowClient(tracking_uri=self._uri)
        with self._plain_faults():
            found = self._client.get_experiment_by_name(experiment)
            if found is not None and found.lifecycle_stage != "active":
                raise ConfigError(
                    f"The experiment '{experiment}' was deleted on {self._uri}. Restore it there, "
                    "or name another with --experiment."
                )
            self._id = found.experiment_id if found else self._client.create_experiment(experiment)

    def send(self, run: TrackedRun, number: int) -> Sent:
        """Make the server's run equal to this one; what an earlier try has left is completed.

        Args:
            run: What to send.
            number: Of the run in the store.

        Raises:
            ConfigError: The server cannot be reached or refuses; the same call completes it.
        """
        with self._plain_faults():
            # The last thing that is sent says what was sent: without it a run is incomplete.
            digest = content_hash(run)
            there = self._client.search_runs([self._id], f"tags.`{KEY}` = '{run.key}'")
            if there and there[0].data.tags.get(SENT) == digest:
                return self._sent(number, there[0].info.run_id, "unchanged")
            kept = there[0] if there else self._client.create_run(
                self._id, start_time=run.started_ms, tags={KEY: run.key}, run_name=run.name
            )  # fmt: skip
            self._fill(kept, run)
            self._client.set_tag(kept.info.run_id, SENT, digest)
            return self._sent(number, kept.info.run_id, "updated" if there else "created")

    def _fill(self, kept: Any, run: TrackedRun) -> None:
        entities, id = self._ml.entities, kept.info.run_id
        # A parameter that is there cannot change; it is the same, or an older release's words.
        params = [entities.Param(n, v) for n, v in run.params.items() if n not in kept.data.params]
        for at in range(0, len(params), PARAMS_AT_ONCE):
            self._client.log_batch(id, params=params[at : at + PARAMS_AT_ONCE])
        # One moment for all, so that a point that is there already is not there twice.
        metrics = [entities.Metric(p.name, p.value, run.ended_ms, p.step) for p in run.points]
        for at in range(0, len(metrics), METRICS_AT_ONCE):
            self._client.log_batch(id, metrics=metrics[at : at + METRICS_AT_ONCE])
        self._client.log_batch(id, tags=[entities.RunTag(n, v) for n, v in run.tags.items()])
        for name, text in run.files.items():
            self._client.log_text(id, text, name)
        self._client.set_terminated(id, run.status, run.ended_ms)

    def _sent(
        self, number: int, id: str, state: Literal["created", "updated", "unchanged"]
    ) -> Sent:
        return Sent(number, id, f"{self._uri}/#/experiments/{self._id}/runs/{id}", state)

    @contextmanager
    def _plain_faults(self) -> Iterator[None]:
        try:
            yield
        except (self._ml.exceptions.MlflowException, OSError, ImportError) as error:
            raise ConfigError(
                f"The MLflow server at {self._uri} {_meaning(error)} The same command sends what "
                "is missing."
            ) from error


def _meaning(error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    status = getattr(getattr(error, "response", None), "status_code", None)
    code = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}.get(
        status or 0, getattr(error, "error_code", "")
    )
    if code == "UNAUTHENTICATED":
        return (
            "refuses the login. Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN."
        )
    if code == "PERMISSION_DENIED":
        return "does not let this login write. Ask whoever runs it."
    causes = (error, error.__cause__, error.__context__)
    if status is None and any(isinstance(cause, OSError) for cause in causes):
        return "does not answer. Start it, or name another with --to."
    return f"did not take it: {said.rstrip('.')}."


def _checked(uri: str) -> str:
    """Return the address of a server without a slash at its end."""
    try:
        parts = urlsplit(uri)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            "The address of an MLflow server begins with http:// or https://, such as "
            f"http://127.0.0.1:5000, not '{uri.rpartition('@')[2]}'."
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            "A login does not belong into an address, which others see. Set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
        )
    return uri.rstrip("/")


def _client_library() -> Any:
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow
        import mlflow.exceptions
    except ImportError as error:
        raise ConfigError(
            "MLflow's client is not installed. Install it with "
            "pip install 'attribute-workbench[mlflow]'."
        ) from error
    return mlflow
