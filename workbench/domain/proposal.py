"""A sentence that is proposed in place of one of the draft, with what was measured of both."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from workbench.domain.canonical import Frozen

ProposalState = Literal["open", "taken", "rejected"]


class SentenceFigures(Frozen):
    """What one sentence does on the photographs of one part.

    Attributes:
        score: The weighted sum that the search maximised.
        auc: AUC of its own type against all other images and clean ones.
        srcc: SRCC of its probability with the strength of its own type.
        specificity: AUC of its own type against the type that it is taken for most.
        rival: That type; None if there was no other.
        redundancy: How much it repeats an earlier sentence of its type, 0 to 1.
        twin: That sentence, if it says the same.
        dead_levels: Levels at which it is no more probable than on clean photographs.
        curve: Mean probability at each level of its own type, clean first.
        quality: Of the variance of the quality scores that the other sentences of the set leave
            unexplained, the share that it explains; None without scores.
    """

    score: float
    auc: float
    srcc: float
    specificity: float
    rival: str | None = None
    redundancy: float = 0.0
    twin: str | None = None
    dead_levels: tuple[int, ...] = ()
    curve: tuple[float, ...] = ()
    quality: float | None = None


class SearchFacts(Frozen):
    """How a search was made, so that its figures can be judged and made again.

    Attributes:
        objective: The weighted sum, in one line.
        photographs: Where the photographs are from.
        parts: Hash of who is in which part.
        search, validation: How many photographs each of these parts has.
        encoder: Identity of the encoder.
        model: The language model.
        seed: Of the search.
        tried: Sentences that were measured in the search.
        calls: Calls of the language model, those answered from the log included.
        cost_usd: What the calls cost, in US dollars, as far as prices are known.
        weights: Weights of the sum by name; none on record in an older search.
        scores: The metric of the quality scores; "" without.
        template: The drafting template that takes turns with the evidence; "" in an older search.
    """

    objective: str
    photographs: str
    parts: str
    search: int
    validation: int
    encoder: str
    model: str
    seed: int
    tried: int
    calls: int
    cost_usd: float = 0.0
    weights: dict[str, float] = Field(default_factory=dict)
    scores: str = ""
    template: str = ""


class OtherSentence(Frozen):
    """Another point of a proposal's Pareto front: it could stand in the same place.

    Attributes:
        new: Its words.
        figures: What was measured of it on the search part.
        validation_gain: By how much the sentence's score rises on the validation part.
        call_id: The LLM call that wrote it.
    """

    new: str = Field(min_length=1)
    figures: SentenceFigures
    validation_gain: float
    call_id: int | None = None


class Proposal(Frozen):
    """One sentence proposed in place of another; nothing happens until a person decides.

    Attributes:
        row: The draft's attribute that it is for.
        row_version: The state of that attribute that it was made for.
        identity: The identity of that attribute.
        distortion: Id of its distortion.
        old: Its present words.
        new: The words that are proposed.
        reason: What is wrong with the present ones, in words and figures.
        before, after: Figures of the present and the proposed words on the search part.
        validation_gain: By how much the sentence's score rises on the validation part.
        facts: How the search was made.
        others: Sentences that could be taken instead, which no other one beats in every figure,
            the highest score first.
        call_id: The LLM call that wrote the words.
        id: Number in the store, once it is stored.
        state: What has become of it.
        author: Whose search it was.
        created_at: When it was stored, in UTC.
        decided_by: Who took or rejected it.
        decided_at: When, in UTC.
        note: Why, in the words of who decided.
    """

    row: int
    row_version: int
    identity: str
    distortion: str
    old: str
    new: str = Field(min_length=1)
    reason: str
    before: SentenceFigures
    after: SentenceFigures
    validation_gain: float
    facts: SearchFacts
    others: tuple[OtherSentence, ...] = ()
    call_id: int | None = None
    id: int | None = None
    state: ProposalState = "open"
    author: str = ""
    created_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str = ""
