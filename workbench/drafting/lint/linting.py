"""Lint a whole set, or one sentence while it is being typed; nothing is ever deleted or changed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.domain.attributes import Attribute, AttributeSet, normalise_phrase
from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.drafting.lint.opposites import (
    Opposites,
    antonyms,
    fires_anyway,
    follows_fault,
    opposites_of,
)
from workbench.drafting.lint.probe import Probe, Response
from workbench.drafting.lint.rule import Other, Polarity, Rule, Subject, TextTower, rules
from workbench.drafting.lint.rules.opposite import topics_alone
from workbench.drafting.lint.vocabulary import Meaning, read_vocabulary

if TYPE_CHECKING:
    from torch import Tensor


class RememberedTexts:
    """A text tower that encodes each sentence once; what makes linting as one types quick.

    Args:
        tower: What encodes, such as an `Encoder`.
    """

    def __init__(self, tower: TextTower) -> None:
        self._tower = tower
        self._known: dict[str, Tensor] = {}

    def encode_texts(self, sentences: Sequence[str]) -> "Tensor":
        """See `TextTower.encode_texts`."""
        import torch

        new = [text for text in dict.fromkeys(sentences) if text not in self._known]
        if new:
            rows = self._tower.encode_texts(new).cpu()
            self._known.update(zip(new, (row.clone() for row in rows), strict=True))
        return torch.stack([self._known[text] for text in sentences])

    def token_counts(self, sentences: Sequence[str]) -> tuple[list[int], int]:
        """See `TextTower.token_counts`."""
        return self._tower.token_counts(sentences)


SEVERITIES = ("fault", "doubt", "hint")


def lint(
    attributes: AttributeSet,
    catalogue: Mapping[str, Distortion],
    *,
    text: TextTower | None = None,
    probe: Probe | None = None,
    polarity: Polarity,
    only: Collection[str] = (),
) -> list[Finding]:
    """Return what there is to say about a set of attributes, worst first.

    Of two attributes that say the same, the later one in the set's order has the finding.

    Args:
        attributes: The set.
        catalogue: All distortions by id; rules compare with the others' names.
        text: The encoder; without it and a probe, only the rules on words are run.
        probe: Images to measure on; needs `text`.
        polarity: Phrases to their (positive, negative) sentences.
        only: Names of the rules to run; all unless told.

    Raises:
        UnknownNameError: A distortion or a rule is not known.
    """
    members = [(d, a) for d, own in attributes.by_distortion.items() for a in own]
    chosen = _chosen(only, text, probe)
    subjects = list(_subjects(members, catalogue, text, probe, polarity, chosen))
    findings = [
        finding
        for subject in subjects
        for rule in chosen
        if (finding := rule.check(subject)) is not None
    ]
    if (of_the_encoder := topics_alone(subjects)) is not None:
        findings.append(of_the_encoder)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def lint_phrase(
    phrase: str,
    distortion: str,
    among: AttributeSet,
    catalogue: Mapping[str, Distortion],
    *,
    text: TextTower | None = None,
    probe: Probe | None = None,
    polarity: Polarity,
    identity: str | None = None,
    only: Collection[str] = (),
) -> list[Finding]:
    """Return what there is to say about one sentence, worst first; fast enough to type along.

    Args:
        phrase: What was typed; it is normalised as an attribute is. Nothing typed, nothing said.
        distortion: Id of the distortion that it is for.
        among: The set that it is, or would be, a part of.
        catalogue: As in `lint`.
        text: As in `lint`; give it as `RememberedTexts`, so that the others are encoded once.
        probe: As in `lint`.
        polarity: As in `lint`.
        identity: The attribute that is being reworded; it is not compared with itself.
        only: As in `lint`.

    Raises:
        UnknownNameError: The distortion or a rule is not known.
    """
    bare, spec = normalise_phrase(phrase), catalogue[distortion]
    if not bare:
        return []
    members = [
        (d, attribute)
        for d, own in among.by_distortion.items()
        for attribute in own
        if identity is None or attribute.identity != identity
    ]
    typed = Attribute.model_construct(phrase=bare, identity=identity)
    chosen = _chosen(only, text, probe)
    *_, subject = _subjects(
        [*members, (spec.id, typed)], catalogue, text, probe, polarity, chosen, last=1
    )
    findings = [finding for rule in chosen if (finding := rule.check(subject)) is not None]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def response_of(phrase: str, *, text: TextTower, probe: Probe, polarity: Polarity) -> Response:
    """Return the probability of one sentence on all images of the probe, to draw it.

    Args:
        phrase: Bare or as typed.
        text: The encoder.
        probe: The images.
        polarity: Phrases to their (positive, negative) sentences.
    """
    (pair,) = polarity([normalise_phrase(phrase)])
    return probe.response(text.encode_texts(pair).cpu().numpy())


def _chosen(only: Collection[str], text: TextTower | None, probe: Probe | None) -> list[Rule]:
    at_hand = {"words"} | ({"text tower", "vocabulary"} if text else set())
    at_hand |= {"images", "opposites"} if text and probe else set()
    named = [rules()[name] for name in only] or list(rules().values())
    return [rule for rule in named if rule.needs in at_hand]


def _subjects(
    members: Sequence[tuple[str, Attribute]],
    catalogue: Mapping[str, Distortion],
    text: TextTower | None,
    probe: Probe | None,
    polarity: Polarity,
    chosen: Sequence[Rule],
    *,
    last: int | None = None,
) -> Iterator[Subject]:
    """Yield the attributes with all that is measured of them; with `last`, only so many of them."""
    first = 0 if last is None else len(members) - last
    specs = {distortion: catalogue[distortion] for distortion, _ in members[first:]}
    sentences = polarity([attribute.phrase for _, attribute in members])
    pairs = _encoded(sentences, text, first)
    counted, context = (
        text.token_counts([s for pair in sentences[first:] for s in pair]) if text else ([], 0)
    )
    meanings: dict[int, Meaning] = {}
    if text and members and any(rule.needs == "vocabulary" for rule in chosen):
        # A draft may hold types that the catalogue no longer has.
        known = [index for index, (distortion, _) in enumerate(members) if distortion in catalogue]
        placed = read_vocabulary(catalogue, text, polarity).meanings(
            [members[index][1].phrase for index in known],
            [members[index][0] for index in known],
            np.stack([pair[0] for index in known if (pair := pairs[index]) is not None]),
        )
        meanings = dict(zip(known, placed, strict=True))
    opposites: Sequence[Opposites | None] = [None] * len(members)
    if text and probe and any(rule.needs == "opposites" for rule in chosen):
        asked = [(d, attribute.phrase) for d, attribute in members[first:]]
        opposites = [*opposites[:first], *_opposites(asked, text, probe, polarity)]
    others = [
        Other(d, attribute.phrase, pair[0] if pair is not None else None)
        for (d, attribute), pair in zip(members, pairs, strict=True)
    ]
    for index, at in zip(range(first, len(members)), count(0, 2), strict=False):
        distortion, attribute = members[index]
        pair = pairs[index]
        yield Subject(
            distortion=specs[distortion],
            phrase=attribute.phrase,
            catalogue=catalogue,
            others=others[:index],
            identity=attribute.identity,
            sentences=sentences[index],
            pair=pair,
            tokens=(counted[at], counted[at + 1]) if counted else None,
            context_length=context,
            meaning=meanings.get(index),
            response=probe.response(pair) if probe and pair is not None else None,
            opposites=opposites[index],
        )


def _opposites(
    asked: Sequence[tuple[str, str]], text: TextTower, probe: Probe, polarity: Polarity
) -> list[Opposites | None]:
    """Return what the opposites of each (distortion, phrase) do; None without photographs of it."""
    known = [(d, said) for d in probe.distortions for said in antonyms().get(d, ())]
    own = [
        [(d, said) for said in opposites_of(phrase, d)] if d in probe.distortions else []
        for d, phrase in asked
    ]
    wanted = list(dict.fromkeys([*known, *(pair for pairs in own for pair in pairs)]))
    sentences = polarity([said for _, said in wanted])
    encoded = _encoded(sentences, text, 0)
    tables = {
        (distortion, said): probe.table(pair, distortion)
        for (distortion, said), pair in zip(wanted, encoded, strict=True)
        if pair is not None
    }
    following = [
        fires_anyway(follows_fault(probe.strengths[d], [tables[d, said]])) for d, said in known
    ]
    share = float(np.mean(following)) if following else None
    return [
        Opposites({said: tables[d, said] for d, said in pairs}, share) if pairs else None
        for pairs in own
    ]


def _encoded(
    sentences: Sequence[tuple[str, str]], text: TextTower | None, first: int
) -> Sequence[NDArray[np.float32] | None]:
    """Return embeddings of each pair, (2, E); before `first` of the positive alone, (1, E)."""
    if text is None:
        return [None] * len(sentences)
    wanted = dict.fromkeys(pair[0] for pair in sentences)
    wanted |= dict.fromkeys(pair[1] for pair in sentences[first:])
    if not wanted:
        return []
    rows = text.encode_texts(list(wanted)).cpu().numpy()
    findings = dict(zip(wanted, rows, strict=True))
    return [
        np.stack([findings[sentence] for sentence in (pair if index >= first else pair[:1])])
        for index, pair in enumerate(sentences)
    ]
