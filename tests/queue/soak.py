"""Runs under faults: what is killed or stopped at random still ends with the undisturbed figures.

python -m tests.queue.soak [RUNS]     # 6 runs under each kind of fault by default; 50 takes hours

Each kind of fault comes at random moments: SIGKILL, or SIGSTOP past the lease and then SIGCONT, of
a worker or of the process that does the run; a restart of PostgreSQL; the end of a node of a Ray
cluster of two. In the end every run is done, its metrics are those of an undisturbed run, it has
one result, and no process is left. A disk that is full during a checkpoint leaves the last good
one.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import yaml
from PIL import Image
from sqlalchemy import func, select, update

from tests.processes import end
from tests.store.private_postgres import create_database, private_server, server_binaries
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.domain.attributes import AttributeSet
from workbench.errors import StoreError
from workbench.experiment.config_files import load_experiment
from workbench.store import Store, open_store
from workbench.store.tables import ResultRow, RunRow
from workbench.store.workers import LEASE_S

WORDS = {"gaussian_blur": ["softened details"], "white_noise": ["fine grain"]}
EXPERIMENT = {
    "name": "soak",
    "data": {"distortions": list(WORDS), "width": 224, "height": 224},
    "encoder": {"name": "offline"},
    "tuning": {"mode": "whole", "epochs": 2, "crops": 1, "warmup": 0.1},
    "regressor": {"epochs": 20},
    "split": {"folds": 2},
    "controls": False,
}
PATIENCE_S = 1800.0


class Place:
    """A home, a store in it, and the runs that are to be done."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder / 'store.sqlite'}"
        (folder / "photographs").mkdir(parents=True)
        for name in ("astronaut", "chelsea", "coffee", "rocket"):
            photograph = load_photograph(photograph_files("packaged")[name], 224, 224)
            Image.fromarray(photograph).save(folder / "photographs" / f"{name}.png")
        data = {**EXPERIMENT["data"], "photographs": str(folder / "photographs")}
        (folder / "soak.yaml").write_text(yaml.safe_dump({**EXPERIMENT, "data": data}))

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ, "WORKBENCH_HOME": str(self.folder), "WORKBENCH_DB": self.url,
            "WORKBENCH_CACHE": str(self.folder / "cache"), "WORKBENCH_OFFLINE": "1",
        }  # fmt: skip

    def submit(self, store: Store, runs: int, *overrides: str) -> None:
        version = store.versions.freeze(AttributeSet.from_phrases(WORDS), message="s", author="a")
        config = load_experiment(self.folder / "soak.yaml", list(overrides))
        wanted = [(version.hash, config.model_copy(update={"seed": seed})) for seed in range(runs)]
        store.runs.submit(wanted)

    def worker(self, *options: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "worker.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "workbench", "worker", *options],
                env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip


def figures(store: Store) -> dict[int, object]:
    """Return what every run that is done has measured, by its seed."""
    return {
        run.config.seed: (run.result.quality, run.result.identification, run.result.predictions)
        for run in store.runs.list(with_results=True)
        if run.result is not None
    }


def patiently(act):
    """Do something with a store whose server may be away."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return act()
        except StoreError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def processes_of(place: Place) -> list[psutil.Process]:
    """Return every process that works in a place, whosever child it is."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            home = process.environ().get("WORKBENCH_HOME")
            if home == str(place.folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def doing(store: Store) -> list[psutil.Process]:
    """Return the processes that do runs just now."""
    names = [run.worker for run in store.runs.list() if run.status == "running" and run.worker]
    found = []
    for name in names:
        with contextlib.suppress(psutil.Error):
            found.append(psutil.Process(int(name.rpartition(":")[2])))
    return found


def let_the_lease_pass(store: Store, pids: set[int]) -> None:
    """Have a lease pass for runs of these processes, in place of waiting for a minute."""
    over = datetime.now(UTC) - timedelta(seconds=LEASE_S + 1)
    with store.database.connected() as connection:
        for pid in pids:
            of_it = update(RunRow).where(RunRow.worker.endswith(f":{pid}"))
            connection.execute(of_it.values(heartbeat_at=over))


def disturb(place: Place, store: Store, chance: random.Random, worker, kinds) -> tuple[str, object]:
    """Do one fault; returns its name and the worker, which may be another one now."""
    kind = chance.choice(kinds)
    if kind == "kill worker":
        worker.kill()
        worker.wait()
        let_the_lease_pass(store, {process.pid for process in doing(store)} | {worker.pid})
        return kind, place.worker()
    if kind == "stop worker":
        worker.send_signal(signal.SIGSTOP)
        let_the_lease_pass(store, {worker.pid})
        other = place.worker()
        time.sleep(chance.uniform(1, 4))
        worker.send_signal(signal.SIGCONT)
        worker.terminate()
        worker.wait()
        return kind, other
    for process in doing(store)[:1]:
        with contextlib.suppress(psutil.Error):
            if kind == "kill run":
                process.kill()
            else:
                process.suspend()
                let_the_lease_pass(store, {process.pid})
                time.sleep(chance.uniform(1, 4))
                process.resume()
    return kind, worker


def finish(place: Place, store: Store, worker, disturbance, chance: random.Random) -> Counter:
    """Disturb until every run is over; resumes what was stopped in order, or tried too often."""
    done, until = Counter(), time.monotonic() + PATIENCE_S
    disturbances = 2 * len(patiently(store.runs.list))
    while any(run.status != "done" for run in patiently(store.runs.list)):
        assert time.monotonic() < until, [(r.id, r.status, r.error) for r in store.runs.list()]
        time.sleep(chance.uniform(0.5, 6))
        if disturbances and patiently(lambda: doing(store)):
            disturbances -= 1
            kind, worker = disturbance(worker)
            done[kind] += 1
        for run in patiently(store.runs.list):
            if run.status == "failed":
                assert "times while doing it" in (run.error or ""), run.error
            if run.status == "failed" or (run.status == "interrupted" and not run.deaths):
                with contextlib.suppress(StoreError):
                    store.runs.requeue(run.id)
                    done["resumed by hand"] += 1
        if worker.poll() is not None:
            worker = place.worker()
            done["worker started again"] += 1
    worker.terminate()
    worker.wait()
    return done


def check(place: Place, store: Store, expected: dict[int, object]) -> None:
    assert figures(store) == {seed: expected[seed] for seed in figures(store)}
    with store.database.connected() as connection:
        results = connection.execute(select(func.count()).select_from(ResultRow)).scalar_one()
    assert results == len(store.runs.list()) == len(figures(store))
    assert store.verify() == []
    until = time.monotonic() + 30
    while (left := processes_of(place)) and time.monotonic() < until:
        time.sleep(0.5)
    assert not left, [process.cmdline() for process in left]


@contextlib.contextmanager
def started(place: Place, runs: int, *overrides: str) -> Iterator[Store]:
    with open_store(place.url) as store:
        place.submit(store, runs, *overrides)
        try:
            yield store
        finally:
            for process in processes_of(place):
                with contextlib.suppress(psutil.Error):
                    process.kill()


def undisturbed(folder: Path, runs: int) -> dict[int, object]:
    place = Place(folder)
    with started(place, runs) as store:
        worker = place.worker("--until-idle")
        assert worker.wait(PATIENCE_S) == 0
        return figures(store)


def under_signals(place: Place, runs: int, expected, chance: random.Random) -> Counter:
    kinds = ("kill worker", "stop worker", "kill run", "stop run")
    with started(place, runs) as store:
        done = finish(
            place, store, place.worker(),
            lambda worker: disturb(place, store, chance, worker, kinds), chance,
        )  # fmt: skip
        check(place, store, expected)
    return done


def under_restarts(folder: Path, runs: int, expected, chance: random.Random) -> Counter:
    binaries = server_binaries()
    if binaries is None:
        return Counter({"not tried: PostgreSQL is not installed": 1})
    with private_server(binaries) as port:
        place = Place(folder, create_database(port, "soak"))
        data = next(
            process.cmdline()[process.cmdline().index("-D") + 1]
            for process in psutil.process_iter()
            if process.name() == "postgres" and str(port) in process.cmdline()
        )

        def restart(worker):
            command = [binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "restart"]
            as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
            subprocess.run([*as_owner, *map(str, command)], check=True, stdout=subprocess.DEVNULL)
            return "restart of PostgreSQL", worker

        with started(place, runs) as store:
            done = finish(place, store, place.worker(), restart, chance)
            check(place, store, expected)
    return done


NODES = """
import json, sys, time
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
node = cluster.add_node(num_cpus=1)
print(json.dumps(cluster.address), flush=True)
for line in sys.stdin:  # each asks for the end of the node, and for a new one
    cluster.remove_node(node, allow_graceful=False)
    node = cluster.add_node(num_cpus=1)
    print("null", flush=True)
cluster.shutdown()
"""


def under_loss_of_nodes(place: Place, runs: int, expected, chance: random.Random) -> Counter:
    nodes = subprocess.Popen(
        [sys.executable, "-c", NODES], env=place.environment, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        address = json.loads(nodes.stdout.readline())

        def lose(worker):
            pids = {process.pid for process in doing(store)}
            nodes.stdin.write("lose\n")
            nodes.stdin.flush()
            nodes.stdout.readline()
            let_the_lease_pass(store, pids)
            return "loss of a node", worker

        ray_worker = ("--executor", "ray", "--address", address)
        own, place.worker = place.worker, lambda *more: own(*ray_worker, *more)
        with started(place, runs) as store:
            done = finish(place, store, place.worker(), lose, chance)
            nodes.stdin.close()
            nodes.wait(60)
            check(place, store, expected)
        return done
    finally:
        end(nodes)


def checkpoints(place: Place) -> dict[str, bytes]:
    """Return the checkpoints of trainings under way, by name."""
    folder = place.folder / "experiments" / "results" / "training"
    return {file.name: file.read_bytes() for file in folder.glob("*/split-*.training.safetensors")}


def with_a_full_disk(place: Place) -> Counter:
    """Kill a run after its first checkpoint; then no file may grow to the size of the next one."""
    with started(place, 1, "tuning.epochs=12") as store:
        worker, until = place.worker("--until-idle"), time.monotonic() + PATIENCE_S
        while not (kept := checkpoints(place)):
            assert worker.poll() is None, "it ended before its first checkpoint"
            assert time.monotonic() < until
            time.sleep(0.01)
        for process in processes_of(place):
            process.kill()
        worker.wait()
        while processes_of(place):
            time.sleep(0.05)
        kept = checkpoints(place)
        room = min(map(len, kept.values())) - 1

        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        (run,) = store.runs.list()
        store.runs.requeue(run.id)
        said = subprocess.run(
            [sys.executable, "-m", "workbench", "worker", "--until-idle"],
            env=place.environment, preexec_fn=limited, capture_output=True, text=True,
        )  # fmt: skip
        failed = store.runs.get(run.id)
        assert (failed.status, failed.result) == ("failed", None), (failed.status, said.stderr)
        assert "Traceback" not in said.stderr, said.stderr
        assert checkpoints(place) == kept
        store.runs.requeue(run.id)
        assert place.worker("--until-idle").wait(PATIENCE_S) == 0
        assert store.runs.get(run.id).status == "done"
    error = (failed.error or "")[:120]
    return Counter({f"full disk (“{error}…”) that left the last checkpoint, then resumed": 1})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=6)
    parser.add_argument("--only", default="", help="signals, restarts, nodes or disk")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    given = parser.parse_args()
    chance, runs = random.Random(given.seed), given.runs
    print(f"{runs} runs each, seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        expected = {} if given.only == "disk" else undisturbed(home / "undisturbed", runs)
        kinds = {
            "signals": lambda: under_signals(Place(home / "signals"), runs, expected, chance),
            "restarts": lambda: under_restarts(home / "restarts", runs, expected, chance),
            "nodes": lambda: under_loss_of_nodes(Place(home / "nodes"), runs, expected, chance),
            "disk": lambda: with_a_full_disk(Place(home / "disk")),
        }
        for name, kind in kinds.items():
            if given.only in ("", name):
                began = time.monotonic()
                done = ", ".join(f"{count} {what}" for what, count in sorted(kind().items()))
                took = time.monotonic() - began
                print(f"{name}, {took:.0f} s: {done}; all done, same metrics, nothing left",
                      flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
