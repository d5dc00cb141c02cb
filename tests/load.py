"""Fifty people at one server: no error, no lost update, and how long each call takes.

python -m tests.load [SECONDS]      # 120 s on SQLite, then on PostgreSQL; `make load`

Each is a thread with a store of its own actor, as a browser's session is, and does through the
workflow what pages do: browse, poll, edit, judge, comment, undo, freeze, with a second of thought.
"""

import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.store.private_postgres import create_database, private_server, server_binaries
from workbench.roles import Actor
from workbench.store import open_store
from workbench.workflow.curation import DraftBoard
from workbench.workflow.draft_acts import curated_set, do_act

USERS, SECONDS, THINKING_S = 50, 120.0, (0.5, 1.5)
TARGET_S = 0.3  # of the 95th percentile of a call
DEEDS = {"browse": 6, "poll": 12, "edit": 6, "judge": 4, "comment": 2, "undo": 1, "freeze": 0.2}
EXPECTED = (
    "was changed by",
    "was removed by",
    "nothing to undo",
    "cannot be undone",
    "already has",
)


class User(threading.Thread):
    """One person at a browser."""

    def __init__(self, store, board, number, until):
        super().__init__(name=f"user{number}@lab.org")
        self.store = store.working_for(Actor(self.name, "reviewer", "login"), f"{number:032x}")
        self.board, self.until, self.chance = board, until, random.Random(number)
        self.seen, self.turn, self.taken = 0, 0, defaultdict(list)
        self.faults, self.done = [], 0

    def run(self):
        while time.monotonic() < self.until:
            time.sleep(self.chance.uniform(*THINKING_S))
            (deed,) = self.chance.choices([*DEEDS], [*DEEDS.values()])
            self.turn += 1
            begun = time.monotonic()
            try:
                getattr(self, deed)()
            except Exception as fault:  # whatever it is, it is a finding
                self.faults.append(f"{deed}: {type(fault).__name__}: {fault}")
            self.taken[deed].append(time.monotonic() - begun)

    def act(self, name, **fields):
        uid = f"{self.name} {self.turn}"
        answer = do_act(
            self.board, self.store, {"uid": uid, "act": name, **fields}, author=self.name
        )
        self.done += bool(answer["ok"])
        is_usual = answer.get("conflicts") or any(words in answer["said"] for words in EXPECTED)
        if not answer["ok"] and answer["said"] and not is_usual:
            self.faults.append(f"{name}: {answer['said']}")

    def row(self):
        return self.chance.choice(self.board.rows())

    def browse(self):
        self.store.versions.summaries()
        self.store.overview.draft()
        self.store.overview.runs_by_status()
        self.store.audit.page(limit=50)

    def poll(self):
        self.board.refresh()
        self.seen = self.board.news(self.seen).number

    def edit(self):
        row = self.row()
        words = f"words {self.turn} of {self.name}"
        self.act("edit", id=row.id, version=row.row_version, phrase=words)

    def judge(self):
        status = self.chance.choice(["accepted", "proposed", "needs work"])
        rows = [(row.id, row.row_version) for row in (self.row(), self.row())]
        self.act("set status", rows=rows, status=status)

    def comment(self):
        self.act("comment", id=self.row().id, text=f"remark {self.turn}")

    def undo(self):
        self.act("undo")

    def freeze(self):
        self.act("freeze", message=f"{self.turn} of {self.name}")


def broken_chains(store):
    """Events whose state before is not the one after the event before: lost updates."""
    after, broken = {}, []
    for event in store.audit.all():
        if not event.subject.startswith("attribute:"):
            continue
        if event.subject in after and event.before != after[event.subject]:
            broken.append(event.id)
        after[event.subject] = event.after
    return broken


def load(url, seconds):
    """Let everybody work; print what came of it, and return whether it is as it must be."""
    with open_store(url) as store:
        store.draft.replace(curated_set(), author="setup")
        board = DraftBoard(store)
        board.refresh()
        users = [User(store, board, n, time.monotonic() + seconds) for n in range(USERS)]
        for user in users:
            user.start()
        for user in users:
            user.join()
        faults = [fault for user in users for fault in user.faults]
        lost, altered = broken_chains(store), store.verify()
    taken = {deed: np.array([t for user in users for t in user.taken[deed]]) for deed in DEEDS}
    every = np.concatenate([*taken.values()])
    for deed, times in taken.items():
        p95_ms = 1000 * np.quantile(times, 0.95) if times.size else 0
        print(f"  {deed:8} {len(times):5} calls, p95 {p95_ms:6.0f} ms")
    p95 = float(np.quantile(every, 0.95))
    print(f"  {len(every)} calls, p95 {1000 * p95:.0f} ms (target {1000 * TARGET_S:.0f}), "
          f"{sum(user.done for user in users)} acts done, {len(faults)} errors, "
          f"{len(lost)} lost updates, {len(altered)} altered rows")  # fmt: skip
    for fault in faults[:5]:
        print(f"  {fault[:200]}")
    return not faults and not lost and not altered and p95 <= TARGET_S


@contextmanager
def databases(folder):
    """The URLs to try: SQLite, and PostgreSQL where it is installed."""
    urls = {"SQLite": f"sqlite:///{folder}/store.sqlite"}
    binaries = server_binaries()
    if binaries is None:
        yield urls
        return
    with private_server(binaries) as port:
        yield urls | {"PostgreSQL": create_database(port, "load")}


def main(seconds=SECONDS):
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        held = []
        for kind, url in urls.items():
            print(f"{kind}: {USERS} people for {seconds:.0f} s", flush=True)
            held.append(load(url, seconds))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
