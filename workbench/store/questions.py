"""Questions to language models: rows that a page adds and polls, and that a process answers.

asking → done | failed | cancelled | interrupted; whatever has ended can be asked again. The answers
themselves are calls in the log; a row only says how far it has come.
"""

import builtins
import json
from collections.abc import Mapping
from datetime import timedelta

from sqlmodel import Session, col, select

from workbench.domain.canonical import canonical_json
from workbench.domain.question import Asked, Question, QuestionStatus, TypeAnswers
from workbench.errors import RunCancelledError, StoreError
from workbench.store.database import Repository
from workbench.store.tables import QuestionRow, utc_now

# The process shows itself every second, but importing what it needs may hold it up for ten.
LEASE_S = 30.0


class QuestionRepository(Repository):
    """The questions that were asked, each by one process at a time."""

    def ask(self, asked: Asked, *, author: str) -> tuple[Question, bool]:
        """Add a question, unless the very same is being asked; say whether it is new."""
        document = canonical_json(asked.model_dump(mode="json"))
        same = select(QuestionRow).where(
            QuestionRow.status == "asking", QuestionRow.document == document
        )
        with self._database.writing("ask a model", author=author) as session:
            row = session.exec(same).first()
            if row is not None:
                return _value(row), False
            now = utc_now()
            row = QuestionRow(
                document=document,
                author=author,
                status="asking",
                answers="{}",
                heartbeat_at=now,
                created_at=now,
            )
            session.add(row)
            session.flush()
            return _value(row), True

    def again(self, id: int) -> Question:
        """Ask a question once more that has ended; how many answers are there stays.

        Raises:
            StoreError: There is no such question, or it is being asked.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status == "asking":
                raise StoreError(f"Question {id} is being asked. Nothing was changed.")
            there = {
                type: answers.model_copy(update={"error": None})
                for type, answers in _value(row).answers.items()
            }
            row.status, row.answers, row.error, row.worker = "asking", _document(there), None, None
            row.heartbeat_at, row.finished_at = utc_now(), None
            session.add(row)
            return _value(row)

    def get(self, id: int) -> Question:
        """Return one question."""
        with self._database.reading() as session:
            return _value(_row(session, id))

    def list(self, limit: int = 20) -> builtins.list[Question]:
        """Return the newest questions, newest first."""
        query = select(QuestionRow).order_by(col(QuestionRow.id).desc()).limit(limit)
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(query)]

    def take(self, id: int, worker: str) -> Question:
        """Say which process asks.

        Raises:
            RunCancelledError: The question has ended meanwhile.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status != "asking":
                raise RunCancelledError(f"Question {id} is {row.status}.")
            row.worker, row.heartbeat_at = worker, utc_now()
            session.add(row)
            return _value(row)

    def beat(self, id: int, worker: str) -> bool:
        """Show that a process still asks; return whether it should go on."""
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status != "asking" or row.worker != worker:
                return False
            row.heartbeat_at = utc_now()
            session.add(row)
            return True

    def report(self, id: int, worker: str, answers: dict[str, TypeAnswers]) -> None:
        """Keep how far each type has come; nothing happens if the question is not the worker's."""
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status == "asking" and row.worker == worker:
                row.answers = _document(answers)
                session.add(row)

    def end(
        self,
        id: int,
        status: QuestionStatus,
        *,
        worker: str | None = None,
        error: str | None = None,
    ) -> bool:
        """End a question that is being asked, and return whether it was.

        Args:
            id: Its number.
            status: "done", "failed", "cancelled" or "interrupted".
            worker: End it only while this process asks it; None whoever does.
            error: Why nothing could be asked, one line.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status != "asking" or (worker is not None and row.worker != worker):
                return False
            row.status, row.error, row.finished_at = status, error, utc_now()
            session.add(row)
            return True

    def forget(self, id: int) -> None:
        """Take a question that has ended out of the list; what was answered stays in the log.

        Raises:
            StoreError: There is no such question, or it is being asked.
        """
        with self._database.writing("dismiss a question") as session:
            row = _row(session, id)
            if row.status == "asking":
                raise StoreError(f"Question {id} is being asked; cancel it first.")
            session.delete(row)

    def silent(self) -> builtins.list[Question]:
        """Return the questions that are being asked and whose process has not shown itself."""
        query = select(QuestionRow).where(
            QuestionRow.status == "asking",
            col(QuestionRow.heartbeat_at) < utc_now() - timedelta(seconds=LEASE_S),
        )
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(query)]

    def asking(self) -> builtins.list[Question]:
        """Return the questions that are being asked, the oldest first."""
        query = select(QuestionRow).where(QuestionRow.status == "asking")
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(query.order_by(col(QuestionRow.id)))]


def _row(session: Session, id: int) -> QuestionRow:
    row = session.get(QuestionRow, id)
    if row is None:
        raise StoreError(f"There is no question {id}. Nothing was changed.")
    return row


def _document(answers: Mapping[str, TypeAnswers]) -> str:
    return json.dumps({key: value.model_dump(mode="json") for key, value in answers.items()})


def _value(row: QuestionRow) -> Question:
    fields = row.model_dump(exclude={"document", "answers"})
    return Question(asked=json.loads(row.document), answers=json.loads(row.answers), **fields)
