"""What a run leaves on its way, for every machine's page to see: its newest log lines, its losses.

Both are bounded: a run of a week leaves no more than one of an hour.
"""

from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, delete, func, select

from workbench.domain.run import LossPoint
from workbench.store.database import Repository
from workbench.store.tables import LogLineRow, LossRow, RunRow

LINES = 2_000  # of a run's log that are kept, the newest
CHARACTERS = 1_000  # of a line
POINTS = 500  # losses of one stage of a run


class TraceRepository(Repository):
    """Log lines and losses of runs; the log file of the worker's machine has all lines."""

    def add(
        self, run: int, claim: int, lines: Sequence[str] = (), points: Sequence[LossPoint] = ()
    ) -> None:
        """Add what a run has said; of another claim than the newest, nothing is taken."""
        with self._database.writing() as session:
            newest = session.exec(select(RunRow.claim).where(RunRow.id == run)).first()
            if newest == claim:
                _add_lines(session, run, lines)
                _add_points(session, run, points)

    def lines(self, run: int, newest: int = LINES) -> list[str]:
        """Return the newest lines of a run's log, the oldest of them first."""
        number = col(LogLineRow.number)
        query = select(LogLineRow.text).where(LogLineRow.run_id == run).order_by(number.desc())
        with self._database.reading() as session:
            return list(session.exec(query.limit(newest)))[::-1]

    def losses(self, run: int) -> list[LossPoint]:
        """Return the losses of a run, stage by stage in the order in which these began."""
        query = select(LossRow).where(LossRow.run_id == run)
        with self._database.reading() as session:
            rows = session.exec(query.order_by(LossRow.stage, col(LossRow.step))).all()
        return [LossPoint(stage=row.stage, step=row.step, loss=row.loss) for row in rows]


def _add_lines(session: Session, run: int, lines: Sequence[str]) -> None:
    if not lines:
        return
    last = session.exec(select(func.max(LogLineRow.number)).where(LogLineRow.run_id == run)).one()
    kept = lines[-LINES:]
    for number, line in enumerate(kept, start=(last or 0) + 1):
        session.add(LogLineRow(run_id=run, number=number, text=_storable(line)))
    oldest = (last or 0) + len(kept) - LINES
    session.exec(
        delete(LogLineRow).where(col(LogLineRow.run_id) == run, col(LogLineRow.number) <= oldest)
    )


def _add_points(session: Session, run: int, points: Iterable[LossPoint]) -> None:
    counts: dict[str, int] = {}
    for point in points:
        if point.stage not in counts:
            of_stage = select(func.count()).where(
                LossRow.run_id == run, LossRow.stage == point.stage
            )
            counts[point.stage] = session.exec(of_stage).one()
        row = session.get(LossRow, (run, point.stage, point.step))
        if row is not None:  # of an attempt that was broken off after its last checkpoint
            row.loss = point.loss
        elif counts[point.stage] < POINTS:
            counts[point.stage] += 1
            session.add(LossRow(run_id=run, stage=point.stage, step=point.step, loss=point.loss))


def _storable(line: str) -> str:
    """Return a line without what no database holds, and no longer than is kept."""
    plain = line.replace("\x00", "").encode("utf-8", "backslashreplace").decode()
    return plain if len(plain) <= CHARACTERS else f"{plain[: CHARACTERS - 1]}…"
