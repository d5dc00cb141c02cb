"""The draft as several people see it at once: its rows, and what changed since one looked.

A `DraftBoard` is shared by all sessions of a process. It reads the draft once, afterwards only what
the record says was changed; each row is turned into JSON once, and each viewer is given the rows
that are newer than what that viewer has.
"""

import json
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.domain.attributes import DraftRow
from workbench.domain.finding import Finding
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.drafting.lint import DraftLint

FIELDS = ("id", "version", "type", "position", "phrase", "status", "origin", "by", "at", "decided",
          "comments", "findings", "curve", "specificity", "weight", "share")  # fmt: skip
REMEMBERED_ACTS = 20_000
LINT_SHARE = 0.05  # of a core, while people look


@dataclass
class _Seen:
    """A row as viewers see it, and when it came to be so."""

    row: DraftRow
    comments: int
    number: int
    measured: tuple[Any, Any] = (None, None)
    weighed: tuple[Any, Any] = (None, None)
    text: bytes | None = None


@dataclass(frozen=True)
class News:
    """What a viewer lacks.

    Attributes:
        number: State of the board; what the viewer has afterwards.
        document: JSON: `epoch`, `since` (null for everything), `number`, `rows` (lists as `FIELDS`
            says), `gone` (ids), `types` (id to name and explanation; null if unchanged),
            `unchecked` (how many rows lint has still to judge).
        rows: How many rows are in it.
    """

    number: int
    document: bytes
    rows: int


@dataclass
class DraftBoard:
    """Rows of one store's draft, for all who look at them; its methods may be called by any thread.

    Attributes:
        store: The store.
        epoch: Names this board; a number of another one means nothing to it.
    """

    store: Store
    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _event: int = 0
    _number: int = 0
    _begun: int = 0  # refreshes
    _taken_in: int = 0  # the last one that was completed
    _rows: dict[int, _Seen] = field(default_factory=dict, repr=False)
    _by_identity: dict[str, int] = field(default_factory=dict, repr=False)
    _gone: dict[int, int] = field(default_factory=dict, repr=False)
    _types: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    _types_number: int = 0
    _lint: "DraftLint | None" = field(default=None, repr=False)
    _unread: dict[int, None] = field(default_factory=dict, repr=False)  # by lint
    _rests_until: float = 0.0
    _outcomes: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict, repr=False)

    def refresh(self) -> None:
        """Take in what was changed, by anybody.

        Of many who ask at once, one reads for all that asked before it began.
        """
        asked = self._begun
        with self._lock:
            if self._taken_in > asked:
                return
            self._begun += 1
            turn = self._begun
            self._take_in()
            self._taken_in = turn

    def _take_in(self) -> None:
        news = self.store.draft.news(self._event)
        if news.event == self._event and self._types:
            return
        self._event = news.event
        self._number += 1
        if news.types or not self._types:
            self._read_types()
        gone = self._rows.keys() - {row.id for row in news.rows} if news.complete else news.gone
        for id in list(gone):
            self._leave(id)
        for row in news.rows:
            self._take(row, news.comments)
        for identity, count in news.comments.items():
            seen = self._rows.get(self._by_identity.get(identity, 0))
            if seen is not None and seen.comments != count:
                seen.comments = count
                self._touch(seen)

    def row(self, id: int) -> DraftRow | None:
        """Return a row as it was last read; None if the draft has none of this number."""
        with self._lock:
            seen = self._rows.get(id)
            return None if seen is None else seen.row

    def rows(self) -> list[DraftRow]:
        """Return all rows as they were last read, in no order that matters."""
        with self._lock:
            return [seen.row for seen in self._rows.values()]

    def type_names(self) -> dict[str, str]:
        """Return the name of each type of the catalogue, by its id."""
        with self._lock:
            return {id: name for id, (name, _) in self._types.items()}

    def check(self, budget_s: float, *, first: Iterable[int] = (), share: float = 1.0) -> None:
        """Judge words that nobody has judged yet, for about so long.

        Args:
            budget_s: Seconds.
            first: Ids of the rows that somebody sees; they are judged in any case.
            share: Of a core, that all calls may take together, however many people look.
        """
        with self._lock:
            lint, first = self._linting(), list(first)
            start = time.monotonic()
            end = start + (budget_s if start >= self._rests_until else 0.0)
            for id in [id for id in first if id in self._unread]:
                self._give(lint, id)
            while self._unread and time.monotonic() < end:
                self._give(lint, next(iter(self._unread)))
            left_s = 0.0 if self._unread else max(0.0, end - time.monotonic())
            judged = lint.work(left_s, first=first)
            if judged:
                self._number += 1
                for id in judged:
                    self._touch(self._rows[id])
            now = time.monotonic()
            self._rests_until = max(self._rests_until, now + (now - start) * (1 / share - 1))

    def findings(self, id: int) -> tuple[Finding, ...]:
        """Return what there is to say about the words of a row; judged now if it was not."""
        with self._lock:
            row = self.row(id)
            if row is None or row.attribute.status == "rejected":
                return ()
            return tuple(self.judge(row.attribute.phrase, row.distortion, id=id))

    def finding_counts(self) -> tuple[dict[str, int], int]:
        """Return severity to number of findings, and how many rows nobody has judged yet."""
        with self._lock:
            counts: Counter[str] = Counter()
            lint = self._linting()
            for id in self._rows:
                counts.update(found.severity for found in lint.findings(id) or ())
            return dict(counts), len(self._unread) + lint.pending

    def judge(self, phrase: str, distortion: str, *, id: int | None = None) -> list[Finding]:
        """Return what lint says about words as they are typed; see `DraftLint.judge`."""
        with self._lock:
            lint = self._linting()
            while self._unread:
                self._give(lint, next(iter(self._unread)))
            return lint.judge(phrase, distortion, id=id)

    def measure(self, id: int, curve: Sequence[float], specificity: float | None) -> None:
        """Note how a row's words respond to photographs.

        Args:
            id: Number of the row.
            curve: Mean probability at each level, clean first.
            specificity: Lowest AUC against another type that is not near; None without another.
        """
        with self._lock:
            seen = self._rows.get(id)
            shown = ([round(value, 3) for value in curve],
                     None if specificity is None else round(specificity, 3))  # fmt: skip
            if seen is not None and seen.measured != shown:
                seen.measured = shown
                self._number += 1
                self._touch(seen)

    def measured(self, id: int) -> bool:
        """Tell whether the present words of a row are measured."""
        with self._lock:
            return id in self._rows and self._rows[id].measured[0] is not None

    def news(self, since: int | None) -> News:
        """Return what a viewer lacks who has had everything up to a number; None for nothing."""
        with self._lock:
            start = -1 if since is None or since > self._number else since
            rows = [self._text(id, s) for id, s in self._rows.items() if s.number > start]
            rest = {
                "epoch": self.epoch,
                "since": None if start < 0 else start,
                "number": self._number,
                "gone": [id for id, number in self._gone.items() if number > start >= 0],
                "types": self._types if self._types_number > start else None,
                "unchecked": len(self._unread) + (self._lint.pending if self._lint else 0),
            }
            head = json.dumps(rest).encode()
            document = head[:-1] + b', "rows": [' + b",".join(rows) + b"]}"
            return News(self._number, document, len(rows))

    def outcome(self, uid: str) -> dict[str, Any] | None:
        """Return what became of an act, if it was done already."""
        with self._lock:
            return self._outcomes.get(uid)

    def note_outcome(self, uid: str, outcome: dict[str, Any]) -> None:
        """Remember what became of an act, so that it is never done twice."""
        with self._lock:
            self._outcomes[uid] = outcome
            while len(self._outcomes) > REMEMBERED_ACTS:
                self._outcomes.popitem(last=False)

    def _take(self, row: DraftRow, comments: dict[str, int]) -> None:
        old = self._rows.get(row.id)
        identity = row.attribute.identity or ""
        if old is not None and old.row == row:
            return
        count = comments.get(identity, old.comments if old else 0)
        seen = _Seen(row, count, self._number)
        if old is not None and _words(old.row) == _words(row):
            seen.measured, seen.weighed = old.measured, old.weighed
        self._rows[row.id] = seen
        self._by_identity[identity] = row.id
        self._gone.pop(row.id, None)
        self._unread[row.id] = None

    def _leave(self, id: int) -> None:
        seen = self._rows.pop(id, None)
        if seen is not None:
            self._by_identity.pop(seen.row.attribute.identity or "", None)
            self._gone[id] = self._number
            self._unread[id] = None

    def _touch(self, seen: _Seen) -> None:
        seen.number, seen.text = self._number, None

    def _read_types(self) -> None:
        catalogue = self.store.recipes.catalogue()
        types = {id: (spec.name, spec.explanation) for id, spec in catalogue.items()}
        if types != self._types:
            self._types, self._types_number = types, self._number
            self._lint, self._unread = None, dict.fromkeys(self._rows)

    def _linting(self) -> "DraftLint":
        if self._lint is None:
            from workbench.drafting.lint import DraftLint

            self._lint = DraftLint(self.store.recipes.catalogue())
        return self._lint

    def _give(self, lint: "DraftLint", id: int) -> None:
        del self._unread[id]
        seen = self._rows.get(id)
        if seen is None or seen.row.attribute.status == "rejected":
            lint.drop(id)
        else:
            lint.put(id, seen.row.distortion, seen.row.attribute.phrase)

    def _text(self, id: int, seen: _Seen) -> bytes:
        if seen.text is None:
            row, attribute = seen.row, seen.row.attribute
            findings = self._lint.findings(id) if self._lint and id not in self._unread else None
            if attribute.status == "rejected":
                findings = ()
            said = findings and [(f.severity, f.rule, f.reason, f.suggestion) for f in findings]
            values = (
                *(id, row.row_version, row.distortion, row.position, attribute.phrase),
                *(attribute.status, attribute.origin, row.updated_by),
                f"{row.updated_at:%Y-%m-%d %H:%M}",
                *(attribute.decided_by, seen.comments, said, *seen.measured, *seen.weighed),
            )
            seen.text = json.dumps(values).encode()
        return seen.text


def _words(row: DraftRow) -> tuple[str, str]:
    return row.distortion, row.attribute.phrase
