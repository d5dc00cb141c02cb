"""What a search may spend on a language model, and what it has spent."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.domain.llm_call import LLMCall
from workbench.drafting.client import Log
from workbench.drafting.draft_attributes import Recall
from workbench.errors import DraftError


class BudgetSpentError(DraftError):
    """No further call may be made; what was found so far stands."""


@dataclass
class Budget:
    """Calls, cost and time; a call that is answered from the log counts as one that is made.

    So a search that was broken off and is started again ends where it would have ended, time apart.

    Attributes:
        calls: Most calls; None for any number.
        cost_usd: Most US dollars; None for any.
        minutes: Longest time in which calls are begun; None for any.
        clock: Seconds of a clock that only goes forward.
    """

    calls: int | None = None
    cost_usd: float | None = None
    minutes: float | None = None
    clock: Callable[[], float] = time.monotonic
    spent_calls: int = 0
    spent_usd: float = 0.0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def spent(self) -> bool:
        """Whether no further call may be begun."""
        return (
            (self.calls is not None and self.spent_calls >= self.calls)
            or (self.cost_usd is not None and self.spent_usd >= self.cost_usd)
            or (self.minutes is not None and self.clock() - self._started >= 60 * self.minutes)
        )

    def counted(self, call: LLMCall) -> LLMCall:
        """Count a call, and return it."""
        self.spent_calls += 1
        self.spent_usd += call.cost_usd or 0.0
        return call

    def recalling(self, recall: Recall) -> Recall:
        """Return a function that recalls, and counts what it recalls."""

        def counting(key: str) -> LLMCall | None:
            call = recall(key)
            return None if call is None else self.counted(call)

        return counting

    def logging(self, log: Log) -> Log:
        """Return a function that logs and counts; after a useless reply it ends what is spent.

        Whoever asks would ask again then. A request that was refused is logged, and not counted.

        Raises:
            BudgetSpentError: The reply was of no use, and no further call may be made.
        """

        def counting(call: LLMCall) -> LLMCall:
            logged = log(call)
            if not (logged.model_answered or logged.reply or logged.reasoning):
                return logged
            self.counted(logged)
            if logged.error is not None and self.spent:
                raise BudgetSpentError(f"The budget is spent; the last reply: {logged.error}")
            return logged

        return counting
