"""The chain from embeddings to the loss, and the regressor, against NumPy in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.small_encoder import GROUPS, grainy, small_pairs, tuned
from workbench.domain.config import RegressorConfig, TuningConfig
from workbench.errors import CheckpointMismatchError
from workbench.training.crops import grid_crops
from workbench.training.loop import tune
from workbench.training.modules import AttributeHead, attribute_probabilities, distortion_loss
from workbench.training.prompt_pairs import EncodedAttributes
from workbench.training.regressor import Regressor, fit_regressor
from workbench.training.tuned_model import Examples

IMAGES, STRENGTHS = grainy()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(embeddings, pairs, scale, logits, groups, targets):
    """Return Eq. 6, 7 and 8 in loops."""
    probabilities = np.array(
        [[sigmoid(scale * (t[0] - t[1]) @ v) for t in pairs] for v in embeddings]
    )
    strengths = np.zeros((len(embeddings), max(groups) + 1))
    for d in range(strengths.shape[1]):
        own = [a for a, group in enumerate(groups) if group == d]
        total = sum(np.exp(logits[a]) for a in own)
        strengths[:, d] = sum(probabilities[:, a] * np.exp(logits[a]) / total for a in own)
    inside = strengths.clip(1e-6, 1 - 1e-6)  # METHOD §1.4
    losses = targets * np.log(inside) + (1 - targets) * np.log(1 - inside)
    return probabilities, strengths, -losses.mean()


@given(st.integers(0, 10_000), st.floats(0.5, 30))
def test_equations_6_to_8_in_float64(seed, scale):
    rng = np.random.default_rng(seed)
    groups = np.sort(np.r_[0, 1, 2, rng.integers(0, 3, 4)])
    v, pairs = rng.normal(size=(4, 6)), rng.normal(size=(len(groups), 2, 6))
    v, pairs = (values / np.linalg.norm(values, axis=-1, keepdims=True) for values in (v, pairs))
    logits, targets = rng.normal(size=len(groups)), rng.random((4, 3))
    head = AttributeHead(torch.from_numpy(groups)).double()
    with torch.no_grad():
        head.logits.copy_(torch.from_numpy(logits))
        probabilities = attribute_probabilities(*map(torch.from_numpy, (v, pairs)), scale=scale)
        strengths = head(probabilities)
    theirs = by_hand(v, pairs, scale, logits, groups, targets)
    assert probabilities.numpy() == pytest.approx(theirs[0], abs=1e-12)
    assert strengths.numpy() == pytest.approx(theirs[1], abs=1e-12)
    loss = distortion_loss(strengths, torch.from_numpy(targets)).item()
    assert loss == pytest.approx(theirs[2], abs=1e-9)


def test_the_models_own_loss_is_equation_8_of_its_embeddings(small):
    model = tuned(small)
    crops = torch.cat([grid_crops(image, 32)[:1] for image in IMAGES])
    v = model.tower(small.normalise(crops)).detach().double().numpy()
    v /= np.linalg.norm(v, axis=-1, keepdims=True)
    pairs, logits = model.pairs.double().numpy(), model.head.logits.detach().double().numpy()
    *_, expected = by_hand(v, pairs, 10.0, logits, GROUPS.tolist(), STRENGTHS)
    loss = model.loss(crops, torch.from_numpy(STRENGTHS)).item()
    assert loss == pytest.approx(expected, abs=1e-5)


def test_the_gradient_of_a_case_that_is_known_by_hand():
    # Two attributes of one distortion, opposite to each other, seen by an image that is the first:
    # P = (σ(2), σ(-2)) and, with weights 3/4 and 1/4, S = σ(2)/2 + 1/4.
    image = torch.tensor([[1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    pairs = torch.tensor([[[1.0, 0], [0, 1]], [[0, 1], [1, 0]]], dtype=torch.float64)
    head = AttributeHead(torch.tensor([0, 0])).double()
    with torch.no_grad():
        head.logits.copy_(torch.tensor([np.log(3), 0.0]))
    strengths = head(attribute_probabilities(image, pairs, scale=2.0))
    distortion_loss(strengths, torch.tensor([[0.2]], dtype=torch.float64)).backward()
    p = 1 / (1 + np.exp(-2))
    s = p / 2 + 0.25
    assert strengths.item() == pytest.approx(s, abs=1e-12)
    slope = (s - 0.2) / (s * (1 - s))  # dL/dS
    # dS/dv = Σ w P(1-P)·2·(t⁺-t⁻) = (3/4 - 1/4)·2·P(1-P)·(1, -1)
    assert image.grad.tolist()[0] == pytest.approx(slope * p * (1 - p) * np.array([1, -1]))
    # dS/dlogit_a = w_a (P_a - S)
    by_logit = slope * np.array([0.75 * (p - s), 0.25 * (1 - p - s)])
    assert head.logits.grad.tolist() == pytest.approx(by_logit.tolist())


@pytest.mark.parametrize("attributes", [5, 1])
@pytest.mark.parametrize(
    ("mode", "tokens"), [("shallow", 4), ("deep", 3 * 4), ("whole", None), ("none", 0)]
)
def test_the_number_of_tuned_parameters_is_the_formulas(small, mode, tokens, attributes):
    # P·W for shallow prompts, L·P·W for deep ones, all of the tower's, and A weights.
    encoded = EncodedAttributes(*(values[:attributes] for values in small_pairs()))
    config = TuningConfig(mode=mode, prompts=4, epochs=1, crops=1)
    strengths = STRENGTHS[:, -1:] if attributes == 1 else STRENGTHS
    model = tune(
        small,
        encoded,
        Examples(IMAGES, strengths),
        config,
        seed=0,
        progress=lambda share, text: None,
    )
    tower = small.facts.image_parameters if tokens is None else tokens * 32
    assert sum(values.numel() for values in model.trained().values()) == tower + attributes


def made_up(count=200, width=6, seed=0):
    rng = np.random.default_rng(seed)
    read = rng.random((count, width), dtype=np.float32)
    return read, 0.7 - 0.4 * read[:, 0] + 0.2 * read[:, 1] + rng.normal(0, 0.02, count)


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al., NeurIPS 2017


def test_the_regressor_is_equation_9():
    regressor = fit_regressor(*made_up(), RegressorConfig(hidden=(7, 5), epochs=5), seed=0)
    state = {name: values.double().numpy() for name, values in regressor.state().items()}
    read, _ = made_up(20, seed=1)
    values = (read - state["centre"]) / state["spread"]
    for layer in (0, 3, 6):
        values = values @ state[f"network.{layer}.weight"].T + state[f"network.{layer}.bias"]
        if layer < 6:
            below = SELU_ALPHA * (np.exp(np.minimum(values, 0)) - 1)
            values = SELU_SCALE * np.where(values > 0, values, below)
    centre, spread = state["quality"]
    expected = np.clip(values[:, 0] * spread + centre, 0, 1)
    assert regressor.predict(read) == pytest.approx(expected, abs=1e-6)


def test_the_linear_regressor_comes_to_least_squares():
    read, quality = made_up()
    design = np.column_stack([read.astype(np.float64), np.ones(len(read))])
    solution = np.linalg.lstsq(design, quality, rcond=None)[0]
    config = RegressorConfig(
        kind="linear", learning_rate=0.02, epochs=300, batch_size=200, weight_decay=0.0
    )
    unseen, _ = made_up(50, seed=1)
    expected = np.column_stack([unseen, np.ones(50)]) @ solution
    assert fit_regressor(read, quality, config, seed=0).predict(unseen) == pytest.approx(
        expected, abs=2e-3
    )


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_a_regressor_is_restored_to_the_same_bits(kind):
    config = RegressorConfig(kind=kind, epochs=2)
    regressor = fit_regressor(*made_up(), config, seed=0)
    again = Regressor.restored(regressor.state(), config)
    read, _ = made_up(seed=1)
    assert (again.predict(read) == regressor.predict(read)).all()


@pytest.mark.parametrize(
    ("other", "dropped"),
    [({"kind": "linear"}, ()), ({"hidden": (9, 8)}, ()), ({}, ("centre",)), ({}, ("quality",))],
)
def test_tensors_of_another_regressor_are_refused(other, dropped):
    state = fit_regressor(*made_up(), RegressorConfig(epochs=1), seed=0).state()
    inside = {name: values for name, values in state.items() if name not in dropped}
    with pytest.raises(CheckpointMismatchError, match="not those of a regressor of kind '"):
        Regressor.restored(inside, RegressorConfig(**other))
