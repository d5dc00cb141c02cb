"""What other sentences would have given on a run's own folds: nonsense, misplaced phrases, names.

A regressor makes use of any forty numbers, and a tuned tower turns any sentence into one. So every
run reads three kinds of other sentences from the very embeddings that its own set is read from:
as many sentences of nonsense, in several draws; its own phrases under other types; and the names of
the distortions. The tower sees no image a second time: their columns stand beside the set's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from workbench.distortions import catalogue
from workbench.domain.attributes import AttributeSet
from workbench.domain.distortion import Distortion, are_near
from workbench.domain.run import ControlName
from workbench.experiment.training_plan import TrainingPlan
from workbench.training.modules import AttributeHead
from workbench.training.prompt_pairs import EncodedAttributes, encode_attributes
from workbench.training.tuned_model import Features, TunedModel

DRAWS = 3  # of nonsense: one could be lucky
# 256 phrases that no photograph shows and that say nothing about one.
_HEADS = (
    "a rumour about", "the second cousin of", "an unpaid bill from", "the opinions of",
    "a polite letter to", "the birthday of", "a quarrel with", "the retirement of",
    "a lawsuit against", "a bet lost to", "the favourite proverb of", "a promise made by",
    "the bad luck of", "a vote for", "an apology from", "the singing lessons of",
)  # fmt: skip
_TAILS = (
    "the harbour master", "an impatient dentist", "two archaeologists", "the chess club",
    "a former accountant", "the tax office", "our landlady", "a famous cellist",
    "the parish council", "somebody's uncle", "a travelling juggler", "the night porter",
    "the ministry of fisheries", "an elderly beekeeper", "the local newspaper", "a rival baker",
)  # fmt: skip
NONSENSE = tuple(f"{head} {tail}" for head in _HEADS for tail in _TAILS)


def nonsense_set(attributes: AttributeSet, *, seed: int) -> AttributeSet:
    """Return as many phrases of nonsense for each type; none twice while there are enough.

    Example:
        >>> words = AttributeSet.from_phrases({"jpeg": ["square blocks", "smeared tints"]})
        >>> len(nonsense_set(words, seed=0).phrases()["jpeg"])
        2
    """
    generator, size = np.random.default_rng(seed), attributes.size
    rounds = [generator.permutation(len(NONSENSE)) for _ in range(-(-size // len(NONSENSE)))]
    drawn = iter(np.concatenate(rounds)[:size].tolist())
    return AttributeSet.from_phrases(
        {d: [NONSENSE[next(drawn)] for _ in own] for d, own in attributes.phrases().items()}
    )


def shuffled_set(attributes: AttributeSet, known: Mapping[str, Distortion]) -> AttributeSet:
    """Return the phrases of each type under another one, and not under a near one if it can be.

    Example:
        >>> words = AttributeSet.from_phrases({"jpeg": ["square blocks"], "white_noise": ["grain"]})
        >>> shuffled_set(words, {}).phrases()
        {'jpeg': ('grain',), 'white_noise': ('square blocks',)}
    """
    phrases = attributes.phrases()
    names = list(phrases)
    cost = np.random.default_rng(0).random((len(names), len(names)))
    for row, one in enumerate(names):
        for column, other in enumerate(names):
            both_known = one in known and other in known
            near = both_known and are_near(known[one], known[other])
            cost[row, column] += 1e6 * (one == other) + 1e3 * near
    _, taken = linear_sum_assignment(cost)
    return AttributeSet.from_phrases(
        {name: phrases[names[other]] for name, other in zip(names, taken, strict=True)}
    )


@dataclass(frozen=True)
class HeldOutControl:
    """What a control predicted of N images: quality, (N,), and strengths, (N, D)."""

    quality: NDArray[np.float64]
    strengths: NDArray[np.float32]


@dataclass(frozen=True)
class Controls:
    """The controls of a run, by name and draw, encoded as its own set is.

    Attributes:
        plan: What the run trains with.
        sets: Other sentences for the same types; empty where the run wants no controls.
    """

    plan: TrainingPlan
    sets: Mapping[tuple[ControlName, int], AttributeSet]

    @classmethod
    def of(cls, plan: TrainingPlan) -> "Controls":
        """Return the controls that a run's configuration asks for.

        A regressor that is given embeddings reads no sentence, so there is nothing to compare.
        """
        if not plan.config.controls or plan.config.regressor.given == "embedding":
            return cls(plan, {})
        own, known = plan.attributes, catalogue(plan.recipes)
        names = {d: [known[d].name if d in known else d] for d in own.distortions}
        sets: dict[tuple[ControlName, int], AttributeSet] = {
            ("nonsense", draw): nonsense_set(own, seed=draw) for draw in range(DRAWS)
        }
        if len(own.distortions) > 1:
            sets["shuffled", 0] = shuffled_set(own, known)
        sets["names", 0] = AttributeSet.from_phrases(names)
        return cls(plan, sets)

    @cached_property
    def encoded(self) -> dict[tuple[ControlName, int], EncodedAttributes]:
        """The sets as the encoder reads them."""
        polarity, cache = self.plan.config.tuning.polarity, self.plan.settings.cache
        return {
            key: encode_attributes(self.plan.encoder, phrases, polarity, cache=cache)
            for key, phrases in self.sets.items()
        }

    def beside(self, model: TunedModel) -> TunedModel:
        """Return the model with the pairs of all controls behind its own, to read all at once."""
        device = model.pairs.device
        pairs = [encoded.pairs.to(device) for encoded in self.encoded.values()]
        return replace(model, pairs=torch.cat([model.pairs, *pairs]))

    def own(self, features: Features) -> Features:
        """Return what is the set's own of the features that a model of `beside` gave."""
        return _columns(features, 0, self.plan.attributes.size)

    def predict(
        self,
        model: TunedModel,
        train: Features,
        test: Features,
        quality: NDArray[np.float64],
        own: NDArray[np.float64],
        *,
        seed: int,
    ) -> dict[tuple[ControlName, int], HeldOutControl]:
        """Return what each control predicts of a split's test part, by the run's own regressor.

        Strengths are plain means of probabilities, since nothing was tuned to these sentences.

        Args:
            model: Tuned on the split's training part.
            train: Features by the model of `beside`, of the training part.
            test: The same of the test part.
            quality: Of the training part, (n,).
            own: What the run's own set predicts of the test part, (m,).
            seed: Of the regressor.
        """
        plan, start, predicted = self.plan, self.plan.attributes.size, {}
        for key, encoded in self.encoded.items():
            end = start + len(encoded.pairs)
            head = AttributeHead(encoded.groups).to(model.pairs.device)
            control = replace(model, pairs=encoded.pairs, head=head)
            learned, held_out = (_columns(part, start, end) for part in (train, test))
            if key[0] == "shuffled" and plan.config.regressor.given == "attributes":
                of_control = own  # the same columns in another order: the regressor cannot tell
            else:
                inputs = plan.regressor_inputs(control, learned)
                regressor = plan.fit_regressor(inputs, quality, seed=seed)
                of_control = regressor.predict(plan.regressor_inputs(control, held_out))
            strengths = control.strengths(held_out.probabilities)
            predicted[key] = HeldOutControl(of_control, strengths)
            start = end
        return predicted


def _columns(features: Features, start: int, end: int) -> Features:
    return Features(
        np.ascontiguousarray(features.probabilities[:, start:end]),
        features.embeddings,
        np.ascontiguousarray(features.inputs[:, :, start:end]),
    )
