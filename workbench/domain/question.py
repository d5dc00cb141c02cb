"""A question put to a language model in the background: what is asked, and how far it has come."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from workbench.domain.canonical import Frozen

QuestionStatus = Literal["asking", "done", "failed", "cancelled", "interrupted"]


class Asked(Frozen):
    """What is asked: two questions with equal content are the same question.

    Attributes:
        distortions: Ids of the types, each once.
        template: Name of the prompt template.
        k: How many attributes an answer holds.
        samples: How often each type is asked about.
        seed: Start of the sampling seeds.
        model: The model asked for.
        local: Whether it is the local one, also where a service is set up.
    """

    distortions: Annotated[tuple[str, ...], Field(min_length=1)]
    template: str = "few_shot"
    k: Annotated[int, Field(ge=1, le=20)] = 5
    samples: Annotated[int, Field(ge=1, le=20)] = 3
    seed: Annotated[int, Field(ge=0)] = 0
    model: str
    local: bool = False


class TypeAnswers(Frozen):
    """How far the question about one type has come.

    Attributes:
        samples: How many samples are there.
        error: Why the type could not be asked about, one line.
    """

    samples: int = 0
    error: str | None = None


class Question(Frozen):
    """One question in the store.

    Attributes:
        id: Number in the store.
        asked: What is asked.
        author: Who asks.
        status: "interrupted" if the process that asked has died.
        answers: Type to how far it has come; a type that is missing has not begun.
        error: Why nothing could be asked, one line.
        worker: The process that asks ("host:pid"), once there is one.
        heartbeat_at: When that process last showed itself, in UTC.
        created_at, finished_at: When it was asked, and when it ended, in UTC.
    """

    id: int
    asked: Asked
    author: str
    status: QuestionStatus
    answers: Mapping[str, TypeAnswers] = {}
    error: str | None = None
    worker: str | None = None
    heartbeat_at: datetime
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def errors(self) -> dict[str, str]:
        """Type to the line that says why it could not be asked about."""
        return {id: each.error for id, each in self.answers.items() if each.error}
