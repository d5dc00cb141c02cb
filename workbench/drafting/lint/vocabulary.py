"""What is said of faults: curated attributes and explanations, as a text tower reads them.

A phrase that is like nothing here describes no fault, and one that is more like another type is
misplaced. What a high cosine is differs from tower to tower, so none is compared with a constant:
each phrase is ranked among the curated attributes, which are measured as if they were new. The
share of them that do no better is a p-value (conformal prediction: Vovk, Gammerman, Shafer,
*Algorithmic Learning in a Random World*, 2005, section 2.2).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.domain.distortion import Distortion, are_near
from workbench.drafting.lint.words import stems
from workbench.settings import resource
from workbench.text_files import read_yaml

if TYPE_CHECKING:
    from workbench.drafting.lint.rule import Polarity, TextTower

_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]
_Indices = NDArray[np.intp]

NEAREST = 5  # texts that a phrase is to be like: as many attributes as a curated type has
SIBLINGS = 4  # as many has an attribute of a curated type; fewer count for less


@dataclass(frozen=True)
class Meaning:
    """Where a phrase stands among what is said of faults.

    Attributes:
        nearest: The most similar curated attribute, as "distortion: phrase".
        cosine: Mean cosine with the five most similar texts.
        least: The lowest such cosine of a curated attribute.
        cosine_rank: Share of the curated attributes whose cosine is no higher, in (0, 1].
        better: Id of the type that it is most like, its own and those near to it left out.
        margin: How much more it is like its own type than like that one, in standard deviations.
        margin_rank: Share of the curated attributes whose margin is no higher, in (0, 1].
        siblings_rank: The same, with the mean margin of its siblings added.
        known: How many curated attributes its own type has.
    """

    nearest: str
    cosine: float
    least: float
    cosine_rank: float
    better: str
    margin: float
    margin_rank: float
    siblings_rank: float
    known: int


@dataclass(frozen=True)
class Vocabulary:
    """Curated attributes and explanations of D types; shapes: N attributes, C clauses, E embedding.

    Attributes:
        catalogue: The D types by id.
        phrases: The attributes' words, N.
        owners: Type of each, (N,), in 0..D-1.
        vectors: Their positive sentences, (N, E), L2-normalised.
        explanations: Name and explanation of each type, (D, E), L2-normalised.
        clauses: Parts of the explanations, read like attributes, (C, E), L2-normalised.
        clause_owners: Type of each, (C,), ascending; every type has at least one.
    """

    catalogue: Mapping[str, Distortion]
    phrases: tuple[str, ...]
    owners: _Indices
    vectors: _Floats
    explanations: _Floats
    clauses: _Floats
    clause_owners: _Indices

    def meanings(
        self, phrases: Sequence[str], types: Sequence[str], vectors: NDArray[np.float32]
    ) -> list[Meaning]:
        """Return where each attribute of a set stands.

        Args:
            phrases: M phrases; a curated one of the same words is not compared with itself.
            types: Id of the type of each.
            vectors: Their positive sentences, (M, E), L2-normalised.
        """
        ids = list(self.catalogue)
        own = np.array([ids.index(name) for name in types], dtype=np.intp)
        spoken = [stems(phrase) for phrase in phrases]
        itself = np.array([[new == curated for curated in self._stems] for new in spoken])
        new = vectors.astype(np.float64)
        nearest, cosines = self._nearest(new, itself)
        margins, better = self._margins(self._likeness(new, itself), own)
        usual_cosines, usual_margins = self._usual
        ranks = (
            _rank(cosines, usual_cosines),
            _rank(margins, usual_margins),
            _rank(
                _with_siblings(margins - usual_margins.mean(), own),
                _with_siblings(usual_margins - usual_margins.mean(), self.owners),
            ),
        )
        return [
            Meaning(
                nearest=f"{ids[self.owners[nearest[i]]]}: {self.phrases[nearest[i]]}",
                cosine=float(cosines[i]),
                least=float(usual_cosines.min()),
                cosine_rank=float(ranks[0][i]),
                better=ids[better[i]],
                margin=float(margins[i]),
                margin_rank=float(ranks[1][i]),
                siblings_rank=float(ranks[2][i]),
                known=int((self.owners == own[i]).sum()),
            )
            for i in range(len(phrases))
        ]

    @cached_property
    def _stems(self) -> list[list[str]]:
        return [stems(phrase) for phrase in self.phrases]

    @cached_property
    def _usual(self) -> tuple[_Floats, _Floats]:
        """Cosine and margin of each curated attribute, as if it were new, (N,) each."""
        itself = np.eye(len(self.phrases), dtype=bool)
        margins, _ = self._margins(self._likeness(self.vectors, itself), self.owners)
        return self._nearest(self.vectors, itself)[1], margins

    def _nearest(self, vectors: _Floats, itself: _Flags) -> tuple[_Indices, _Floats]:
        """Return the most similar attribute of each, and the mean of the highest cosines."""
        attributes = np.where(itself, -1, vectors @ self.vectors.T)  # (M, N)
        cosines = np.concatenate([attributes, vectors @ self.explanations.T], axis=1)
        return attributes.argmax(1), np.sort(cosines, axis=1)[:, -NEAREST:].mean(1)

    def _likeness(self, vectors: _Floats, itself: _Flags) -> _Floats:
        """Return how much each phrase is like each type, (M, D).

        It is counted in standard deviations over the curated attributes: some explanations are
        like every phrase, and a type that has no attributes yet has other cosines.
        """
        mean, deviation = self._columns
        return np.asarray((self._cosines(vectors, itself) - mean) / np.maximum(deviation, 1e-12))

    @cached_property
    def _columns(self) -> tuple[_Floats, _Floats]:
        """Mean and standard deviation of what the curated attributes have in common with a type."""
        usual = self._cosines(self.vectors, np.eye(len(self.phrases), dtype=bool))
        return usual.mean(0), usual.std(0)

    def _cosines(self, vectors: _Floats, itself: _Flags) -> _Floats:
        """Return the mean of three cosines, (M, D), from which what all texts share is taken off.

        The three are those with the type's attributes, with its explanation, and with the clause
        of the explanation that fits best. A type without attributes has the last two.
        """
        centre = self.vectors.mean(0)
        new = _unit(vectors - centre)
        types = np.arange(len(self.catalogue))
        member = (self.owners[:, None] == types).astype(np.float64)  # (N, D)
        counts = ~itself @ member  # attributes that each phrase is compared with, (M, D)
        sums = np.where(itself, 0, new @ _unit(self.vectors - centre).T) @ member
        attributes = sums / np.maximum(counts, 1)
        explanations = new @ _unit(self.explanations - self.explanations.mean(0)).T
        clauses = new @ _unit(self.clauses - self.clauses.mean(0)).T  # (M, C)
        firsts = np.searchsorted(self.clause_owners, types)
        best = np.maximum.reduceat(clauses, firsts, axis=1)
        return np.asarray((attributes + explanations + best) / (2 + (counts > 0)))

    def _margins(self, likeness: _Floats, own: _Indices) -> tuple[_Floats, _Indices]:
        """Return the lead of the own type over the best that is not near, and which that is."""
        specs = list(self.catalogue.values())
        near = np.array([[a.id == b.id or are_near(a, b) for b in specs] for a in specs])
        rivals = np.where(near[own], -np.inf, likeness)
        return likeness[np.arange(len(own)), own] - rivals.max(1), rivals.argmax(1)


def read_vocabulary(
    catalogue: Mapping[str, Distortion], text: "TextTower", polarity: "Polarity"
) -> Vocabulary:
    """Return the packaged curated attributes and the explanations, encoded.

    Args:
        catalogue: All types by id; curated attributes of others are left out.
        text: What encodes.
        polarity: Phrases to their (positive, negative) sentences.
    """
    specs = list(catalogue.values())
    curated = [
        (d, phrase) for d, spec in enumerate(specs) for phrase in _curated().get(spec.id, ())
    ]
    clauses = [(d, clause) for d, spec in enumerate(specs) for clause in _clauses(spec)]
    phrases = [phrase for _, phrase in curated]
    sentences = [pair[0] for pair in polarity([*phrases, *(clause for _, clause in clauses)])]
    explanations = [f"{spec.name}: {spec.explanation}" for spec in specs]
    rows = text.encode_texts([*sentences, *explanations]).cpu().numpy().astype(np.float64)
    vectors, parts, whole = np.split(rows, [len(phrases), len(sentences)])
    return Vocabulary(
        catalogue=catalogue,
        phrases=tuple(phrases),
        owners=np.array([d for d, _ in curated], dtype=np.intp),
        vectors=vectors,
        explanations=whole,
        clauses=parts,
        clause_owners=np.array([d for d, _ in clauses], dtype=np.intp),
    )


@cache
def _curated() -> dict[str, tuple[str, ...]]:
    files = sorted(resource("attribute_db/curated").glob("*.yaml"))
    documents = [read_yaml(file.read_text(encoding="utf-8")) for file in files]
    return {document["distortion"]: tuple(document["attributes"]) for document in documents}


def _clauses(spec: Distortion) -> list[str]:
    """Return the parts between the commas of an explanation that have two words or more.

    Example:
        >>> words = {"name": "Haze", "group": "camera", "source": ""}
        >>> _clauses(Distortion(id="haze", explanation="Mist, so that far parts pale.", **words))
        ['far parts pale']
    """
    parts = [part.strip() for part in re.split(r"[,;:.]", spec.explanation)]
    bare = [part.removeprefix("so that ").removeprefix("and ") for part in parts]
    return [part for part in bare if len(part.split()) > 1] or [spec.explanation]


def _rank(values: _Floats, usual: _Floats) -> _Floats:
    """Return the share of usual values, with the value itself, that are no higher."""
    lower = np.searchsorted(np.sort(usual), values, side="right")
    return np.asarray((lower + 1) / (len(usual) + 1))


def _with_siblings(excess: _Floats, own: _Indices) -> _Floats:
    """Return each excess over the usual margin, plus the mean one of its siblings."""
    siblings = own[:, None] == own
    np.fill_diagonal(siblings, val=False)
    return np.asarray(excess + siblings @ excess / np.maximum(siblings.sum(1), SIBLINGS))


def _unit(rows: _Floats) -> _Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
