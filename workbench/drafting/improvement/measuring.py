"""What one sentence does on photographs whose faults are known, and what a set of them is worth.

Shapes: S sentences, P photographs, L levels (each type its own), C crops of an image, E embedding.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from workbench.domain.attributes import AttributeSet
from workbench.domain.distortion import Distortion, are_near
from workbench.domain.objective import Objective
from workbench.domain.proposal import SentenceFigures
from workbench.drafting.improvement.quality import QualityTerm, log_odds
from workbench.drafting.lint.probe import Probe, Response
from workbench.drafting.lint.rule import Polarity, TextTower
from workbench.drafting.lint.rules.repeated import ALIKE_WITHIN
from workbench.drafting.lint.statistics import chance_dose_srcc, interval_of_mean, photograph_srccs
from workbench.errors import UnknownNameError

Floats = NDArray[np.float64]

EVEN = 0.5  # share of pairs at which two types have the same probability
CHANCE = 0.05  # one-sided chance that shuffled levels would follow the strength as well


@dataclass(frozen=True)
class Evidence:
    """What was measured of one sentence that describes one type.

    Attributes:
        distortion: The type.
        phrase: The sentence.
        wins: Of its own images, the share of all other images that each outranks, (P, L); their
            mean is the AUC of its own type against all others and clean images.
        srccs: SRCC of the probability with the strength, within each photograph, (P,).
        rival_wins: The share of the worst confusion's strongest images that its own strongest
            outrank, mean of each photograph, (P,); their mean is the AUC against it.
        rival: The type that it is taken for most; None if there is no other.
        dead: Levels at which no more than half of the photographs have a higher probability than
            their clean image, ascending from 1.
        chance: SRCC that shuffled levels reach in one of twenty cases.
        vector: Embedding of the sentence, (E,), L2-normalised.
        curve: Mean probability at each level of its own type, (L+1,), clean first.
        odds: Log-odds on every image that has a score, as `QualityTerm` lists them, (P, N);
            empty without scores.
    """

    distortion: str
    phrase: str
    wins: Floats
    srccs: Floats
    rival_wins: Floats
    rival: str | None
    dead: tuple[int, ...]
    chance: float
    vector: NDArray[np.float32]
    curve: Floats
    odds: Floats

    @property
    def auc(self) -> float:
        """AUC of its own type against everything else."""
        return float(self.wins.mean())

    @property
    def srcc(self) -> float:
        """SRCC with the strength of its own type."""
        return float(self.srccs.mean())

    @property
    def specificity(self) -> float:
        """AUC of its own type against the worst confusion."""
        return float(self.rival_wins.mean())

    def by_example(self, objective: Objective) -> Floats:
        """Return the weighted sum for each photograph and level, less what repeats, (P, L)."""
        return np.asarray(
            objective.identification * self.wins
            + objective.strength * self.srccs[:, None]
            + objective.specificity * self.rival_wins[:, None]
            - objective.dead * len(self.dead) / self.wins.shape[1]
        )


@dataclass
class Bench:
    """Measures sentences on the photographs of one part; each sentence once.

    Attributes:
        probe: Embeddings of the photographs of that part alone.
        catalogue: All types by id.
        text: Embeds sentences.
        polarity: Phrases to their (positive, negative) sentences.
        objective: Weights of the sum.
        quality: What sentences add to the quality scores; None where there are none.
    """

    probe: Probe
    catalogue: Mapping[str, Distortion]
    text: TextTower
    polarity: Polarity
    objective: Objective
    quality: QualityTerm | None = None

    def __post_init__(self) -> None:
        self._known: dict[tuple[str, str], Evidence] = {}

    @property
    def measured(self) -> int:
        """How many sentences were measured, each counted once for each type."""
        return len(self._known)

    def evidence(self, distortion: str, phrases: Sequence[str]) -> list[Evidence]:
        """Return what was measured of some sentences of one type.

        Raises:
            UnknownNameError: There are no photographs of the type.
        """
        if distortion not in self.probe.embeddings:
            raise UnknownNameError("measured type", distortion, self.probe.distortions)
        new = [p for p in dict.fromkeys(phrases) if (distortion, p) not in self._known]
        if new:
            vectors = self._embedded(new)
            responses = self._responses(vectors)
            for phrase, vector, response in zip(new, vectors, responses, strict=True):
                self._known[distortion, phrase] = self._evidence(
                    distortion, phrase, vector, response
                )
        return [self._known[distortion, phrase] for phrase in phrases]

    def with_quality(self, scores: Mapping[str, Floats], attributes: AttributeSet) -> "Bench":
        """Return a bench that measures what sentences add to quality scores, too.

        Args:
            scores: Type to the scores of its images, (P, L+1), clean first.
            attributes: The set; what a sentence adds is beside its other sentences.
        """
        odds = {
            d: log_odds(self.probe, self._embedded(phrases))
            for d, phrases in attributes.phrases().items()
            if phrases
        }
        return replace(self, quality=QualityTerm(scores, odds))

    def score(self, evidence: Sequence[Evidence]) -> float:
        """Return the score of a type's sentences, in their order; 0 without any."""
        return float(self.by_photograph(evidence).mean()) if evidence else 0.0

    def by_photograph(self, evidence: Sequence[Evidence]) -> Floats:
        """Return the score of a type's sentences on each photograph, (P,)."""
        return np.asarray(self.by_example(evidence).mean(1))

    def by_example(self, evidence: Sequence[Evidence]) -> Floats:
        """Return the score of a type's sentences for each photograph and level, (P, L).

        Its mean is the score of the type.
        """
        repeated = float(np.mean(likeness(evidence)))
        tables = np.stack([each.by_example(self.objective) for each in evidence])
        added = self._quality(evidence).mean(0)  # (P,)
        return np.asarray(
            tables.mean(0)
            + self.objective.quality * added[:, None]
            - self.objective.redundancy * repeated
        )

    def gain_interval(
        self, before: Sequence[Evidence], after: Sequence[Evidence]
    ) -> tuple[float, float]:
        """Return by how much a sentence gains, K times what the mean over K sentences does.

        Returns:
            The gain, and the lower end of its 95 % interval over photographs.
        """
        gains = len(before) * (self.by_photograph(after) - self.by_photograph(before))
        low, _ = interval_of_mean(gains[:, None])
        return float(gains.mean()), float(low[0])

    def figures(self, evidence: Sequence[Evidence], index: int) -> SentenceFigures:
        """Return the figures of one sentence among those of its type, rounded to four places."""
        own, alike = evidence[index], likeness(evidence)[index]
        twin = twin_of(evidence, index)
        added = float(self._quality(evidence)[index].mean())
        score = (
            float(own.by_example(self.objective).mean())
            + self.objective.quality * added
            - self.objective.redundancy * alike
        )
        return SentenceFigures(
            score=round(score, 4),
            auc=round(own.auc, 4),
            srcc=round(own.srcc, 4),
            specificity=round(own.specificity, 4),
            rival=own.rival,
            redundancy=round(alike, 4),
            twin=None if twin is None else evidence[twin].phrase,
            dead_levels=own.dead,
            curve=tuple(round(float(value), 4) for value in own.curve),
            quality=None if self.quality is None else round(added, 4),
        )

    def figures_at(
        self, distortion: str, phrases: Sequence[str], index: int, phrase: str
    ) -> SentenceFigures:
        """Return the figures of a sentence in the place of one of a type's sentences."""
        standing = [*phrases[:index], phrase, *phrases[index + 1 :]]
        return self.figures(self.evidence(distortion, standing), index)

    def _quality(self, evidence: Sequence[Evidence]) -> Floats:
        """Return what each sentence adds to the quality on each photograph, (S, P); 0 without."""
        if self.quality is None:
            return np.zeros((len(evidence), len(self.probe.photographs)))
        return self.quality.added(evidence[0].distortion, np.stack([e.odds for e in evidence]))

    def _embedded(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        """Return the embeddings of the (positive, negative) sentences of phrases, (S, 2, E)."""
        sentences = [sentence for pair in self.polarity(phrases) for sentence in pair]
        vectors = self.text.encode_texts(sentences).cpu().numpy()
        return np.asarray(vectors).reshape(len(phrases), 2, -1)

    def _responses(self, vectors: NDArray[np.float32]) -> list[Response]:
        """Return the probabilities of S sentences, (S, 2, E), on all images at once."""
        directions = (vectors[:, 0].astype(np.float64) - vectors[:, 1]).T.astype(np.float32)
        tables = {
            d: expit(self.probe.scale * (images @ directions)).mean(2).astype(np.float64)
            for d, images in self.probe.embeddings.items()  # (P, L+1, C, E) @ (E, S)
        }
        return [
            Response(self.probe.strengths, {d: table[..., s] for d, table in tables.items()})
            for s in range(len(vectors))
        ]

    def _evidence(
        self, distortion: str, phrase: str, pair: NDArray[np.float32], response: Response
    ) -> Evidence:
        own = response.probability[distortion]
        clean = own[:, :1]
        others = [
            d for d in response.probability if d != distortion and not self._near(d, distortion)
        ]
        rest = np.concatenate(
            [clean.ravel(), *(response.probability[d][:, 1:].ravel() for d in others)]
        )
        strongest = response.strongest(distortion)
        rivals = {d: win_shares(strongest, response.strongest(d)).mean(1) for d in others}
        rival = min(rivals, key=lambda d: float(rivals[d].mean()), default=None)
        higher = (own[:, 1:] > clean).mean(0)  # (L,)
        levels, photographs = own.shape[1], len(own)
        return Evidence(
            distortion=distortion,
            phrase=phrase,
            wins=win_shares(own[:, 1:], rest),
            srccs=photograph_srccs(response.strengths[distortion], own),
            rival_wins=rivals[rival] if rival else win_shares(strongest, clean).mean(1),
            rival=rival,
            dead=tuple(int(level) + 1 for level in np.flatnonzero(higher <= EVEN)),
            chance=chance_dose_srcc(levels, photographs, level=CHANCE),
            vector=pair[0],
            curve=own.mean(0),
            odds=np.empty((0, 0)) if self.quality is None else log_odds(self.probe, pair[None])[0],
        )

    def _near(self, one: str, other: str) -> bool:
        return are_near(self.catalogue[one], self.catalogue[other])


def win_shares(above: Floats, below: Floats) -> Floats:
    """Return the share of the second sample that each value of the first exceeds; ties count half.

    Args:
        above: Any shape.
        below: Any shape, at least one value.

    Returns:
        Shares of the first one's shape; their mean is the AUC.

    Example:
        >>> win_shares(np.array([.9, .4]), np.array([.1, .4]))
        array([1.  , 0.75])
    """
    ordered = np.sort(below, axis=None)
    under = np.searchsorted(ordered, above, "left") + np.searchsorted(ordered, above, "right")
    return np.asarray(under / (2 * ordered.size))


def likeness(evidence: Sequence[Evidence]) -> list[float]:
    """Return how much each sentence repeats those before it: 0 nothing, 1 all of one.

    From the cosine on at which lint calls two siblings the same; the later one has it.
    """
    if not evidence:
        return []
    excess = (_cosines(evidence) - ALIKE_WITHIN) / (1 - ALIKE_WITHIN)
    return [float(np.clip(excess[i, :i].max(initial=0.0), 0.0, 1.0)) for i in range(len(evidence))]


def twin_of(evidence: Sequence[Evidence], index: int) -> int | None:
    """Return the place of the earlier sentence that one repeats; None if it repeats none."""
    cosines = _cosines(evidence)[index, :index]
    return int(cosines.argmax()) if index and cosines.max() >= ALIKE_WITHIN else None


def faults_of(
    evidence: Sequence[Evidence], index: int, catalogue: Mapping[str, Distortion]
) -> list[str]:
    """Return in words what was measured against one sentence among those of its type.

    Args:
        evidence: The sentences of the type, in order.
        index: Which of them.
        catalogue: For the names of the types.

    Returns:
        Short clauses ("says the same as 'blocky edges'"); nothing if nothing speaks against it.
    """
    own, clauses = evidence[index], []
    name, levels = catalogue[own.distortion].name, own.wins.shape[1]
    if own.srcc <= -own.chance:
        clauses.append(f"falls as {name} gets stronger (SRCC {own.srcc:+.2f})")
    elif own.srcc <= own.chance:
        clauses.append(f"does not follow the strength of {name} (SRCC {own.srcc:+.2f})")
    elif len(own.dead) == levels:
        clauses.append("no more probable at any level than on clean photographs")
    elif _opens(own.dead) and 2 * len(own.dead) >= levels:
        clauses.append(f"dead below level {len(own.dead) + 1} of {levels}")
    if own.rival is not None and own.specificity < EVEN:
        clauses.append(
            f"stronger on {catalogue[own.rival].name} than on {name} "
            f"(wins {own.specificity:.0%} of the pairs)"
        )
    twin = twin_of(evidence, index)
    if twin is not None:
        clauses.append(f"says the same as '{evidence[twin].phrase}'")
    return clauses


def _opens(dead: Collection[int]) -> bool:
    """Whether dead levels are the mildest ones, without a gap."""
    return bool(dead) and sorted(dead) == list(range(1, len(dead) + 1))


def _cosines(evidence: Sequence[Evidence]) -> NDArray[np.float32]:
    vectors = np.stack([each.vector for each in evidence])
    return np.asarray(vectors @ vectors.T)
