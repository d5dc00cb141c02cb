"""Contributions against closed forms and Captum, and what they must add up to."""

import math

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from workbench.domain.config import RegressorConfig
from workbench.domain.metrics import Undefined
from workbench.inference.contributions import (
    QualityFunction,
    attribute_contributions,
    kinks,
    mean_gradient,
)
from workbench.training.regressor import fit_regressor

pytestmark = pytest.mark.slow

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017


def network(width=4, hidden=(16, 8), seed=0):
    torch.manual_seed(seed)
    first, second = hidden
    layers = [nn.Linear(width, first), nn.SELU(), nn.AlphaDropout(0.2)]
    layers += [nn.Linear(first, second), nn.SELU(), nn.AlphaDropout(0.2), nn.Linear(second, 1)]
    return nn.Sequential(*layers).double().eval().requires_grad_(False)


def line(width=4, seed=0):
    ends = np.random.default_rng(seed).normal(0, 3, (2, width))
    return torch.from_numpy(ends[0]), torch.from_numpy(ends[1])


@given(st.integers(0, 10_000), st.integers(1, 12))
@settings(max_examples=15, deadline=None)
def test_what_a_line_adds_up_to_is_how_far_the_network_moves(seed, width):
    f, (start, end) = network(width, seed=seed), line(width, seed)
    moved = f(end[None]) - f(start[None])
    added = mean_gradient(f, start, end) @ (end - start)
    assert added.item() == pytest.approx(moved.item(), abs=1e-8)


def test_the_mean_gradient_is_captums():
    f, (start, end) = network(), line()
    found = mean_gradient(f, start, end) * (end - start)
    theirs = IntegratedGradients(f).attribute(
        end[None], start[None], target=0, n_steps=20_000, method="riemann_middle"
    )
    # Midpoints miss each kink by up to half a step, 1/40,000 of the slope's jump there.
    torch.testing.assert_close(found, theirs[0], rtol=0, atol=1e-5)


def test_one_selu_unit_has_a_closed_form():
    """Along a line f depends on u = w·z alone: contributions are (Δu_i / Δu)·Δf."""
    unit = nn.Linear(2, 1, bias=False).double()
    with torch.no_grad():
        unit.weight.copy_(torch.tensor([[2.0, -0.5]]))
    f = nn.Sequential(unit, nn.SELU()).requires_grad_(False)
    start, end = torch.tensor([-1.0, 2.0]).double(), torch.tensor([1.5, 1.0]).double()
    low, high = -3.0, 2.5
    moved = SELU_SCALE * (high - SELU_ALPHA * (math.exp(low) - 1))
    expected = torch.tensor([5.0, 0.5]).double() * moved / (high - low)
    found = mean_gradient(f, start, end) * (end - start)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    assert kinks(f, start, end).tolist() == pytest.approx([0, 3 / 5.5, 1], abs=1e-12)


def test_two_kinks_of_one_unit_between_two_cuts_are_found_by_halving():
    """A unit that dips below 0 and rises again has one sign at both ends of its piece."""
    first, second = nn.Linear(1, 1, bias=False).double(), nn.Linear(1, 1).double()
    square = type("Square", (nn.Module,), {"forward": lambda self, given: given.square()})()
    with torch.no_grad():
        first.weight.fill_(1.0)
        second.weight.fill_(1.0)
        second.bias.fill_(-0.01)
    f = nn.Sequential(first, square, second, nn.SELU()).requires_grad_(False)
    start, end = torch.tensor([-1.0]).double(), torch.tensor([2.0]).double()
    assert len(kinks(f, start, end)) == 2
    added = mean_gradient(f, start, end) * (end - start)
    assert added.item() == pytest.approx((f(end[None]) - f(start[None])).item(), abs=1e-8)


def fitted(kind, width=3, seed=0):
    rng = np.random.default_rng(seed)
    read = rng.random((40, width)).astype(np.float32)
    config = RegressorConfig(kind=kind, hidden=(16, 8), epochs=20)
    return fit_regressor(read, read.mean(1) ** 2, config, seed=0), torch.from_numpy(read).double()


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_contributions_and_base_add_up_to_the_prediction(kind):
    regressor, read = fitted(kind)
    function, same = QualityFunction(regressor), torch.eye(3).double()
    base = function(function.centre[None])
    added = base + torch.stack([attribute_contributions(function, x, same) for x in read]).sum(1)
    torch.testing.assert_close(added, function(read), rtol=0, atol=1e-8)
    np.testing.assert_allclose(
        added.clamp(0, 1), regressor.predict(read.float().numpy()), rtol=0, atol=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.sampled_from(["mlp", "linear"]), st.floats(0.1, 12))
def test_log_odds_in_two_views_add_up_too(seed, kind, reach):
    rng = np.random.default_rng(seed)
    read = rng.uniform(-reach, reach, (30, 2 * 3)).astype(np.float32)  # crops, then the whole image
    quality = 1 / (1 + np.exp(read.sum(1) / reach))
    config = RegressorConfig(kind=kind, hidden=(8, 4), epochs=3)
    function = QualityFunction(fit_regressor(read, quality, config, seed=0))
    each = torch.from_numpy(read[:5]).double()
    mixing = torch.eye(6).double()
    added = torch.stack([attribute_contributions(function, x, mixing) for x in each])
    by_attribute = added.reshape(5, 2, 3).sum(1)
    total = function(function.centre[None]) + by_attribute.sum(1)
    torch.testing.assert_close(total, function(each), rtol=0, atol=1e-7)


def test_a_score_adds_both_views_of_an_attribute_to_its_contribution(save, photographs):
    model = save(kind="linear").model
    score = model.score(photographs / "b.png")
    (layer,) = model.regressor.network
    slopes = layer.weight[0].double() * model.regressor.quality_spread / model.regressor.spread
    flat = [[v for phrases in view.values() for v in phrases.values()] for view in score.inputs]
    moved = (torch.tensor(flat).double().flatten() - model.regressor.centre) * slopes
    expected = moved.reshape(2, -1).sum(0).tolist()
    values = [v for phrases in score.contributions.values() for v in phrases.values()]
    assert values == pytest.approx(expected, abs=1e-6)


def test_of_a_linear_regressor_they_are_weight_times_distance_from_the_centre():
    regressor, read = fitted("linear")
    function = QualityFunction(regressor)
    (layer,) = (module for module in regressor.network.modules() if isinstance(module, nn.Linear))
    weights = layer.weight[0].double() / regressor.spread.double() * regressor.quality_spread
    expected = weights * (read[0] - regressor.centre.double())
    found = attribute_contributions(function, read[0], torch.eye(3).double())
    torch.testing.assert_close(found, expected.detach(), rtol=0, atol=1e-12)


def test_an_average_image_owes_nothing_to_any_attribute():
    regressor, _ = fitted("mlp")
    function = QualityFunction(regressor)
    found = attribute_contributions(function, function.centre, torch.eye(3).double())
    assert found.abs().max() == 0


def test_through_strengths_each_attribute_gets_its_weight_of_its_distortions_slope():
    regressor, _ = fitted("linear", width=2)
    function = QualityFunction(regressor)
    mixing = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]).double()
    probabilities = torch.tensor([0.9, 0.1, 0.4]).double()
    found = attribute_contributions(function, probabilities, mixing)
    slopes = function.mean_slopes(mixing @ probabilities)
    centre = function.centre
    expected = [
        slopes[0] * 0.25 * (0.9 - centre[0]),
        slopes[0] * 0.75 * (0.1 - centre[0]),
        slopes[1] * (0.4 - centre[1]),
    ]
    torch.testing.assert_close(found, torch.stack(expected))
    total = function(centre[None]) + found.sum()
    torch.testing.assert_close(total, function((mixing @ probabilities)[None]), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"given": "strengths"}, {"kind": "linear"}, {"readout": "probabilities"},
        {"views": "crops"}, {"readout": "probabilities", "views": "crops"},
    ],
)  # fmt: skip
def test_a_score_adds_up_to_its_unclipped_quality(save, photographs, fields):
    for score in save(**fields).model.score_all([photographs]):
        added = score.base + sum(sum(values.values()) for values in score.contributions.values())
        assert added == pytest.approx(score.unclipped, abs=1e-6)
        assert score.contributions.keys() == score.attributes.keys() == score.distortions.keys()


def test_an_embedding_has_no_contributions_and_says_why(save, photographs):
    model = save(given="embedding").model
    score = model.score(photographs / "b.png")
    reason = Undefined(
        undefined="the regressor reads the image's embedding, which is made of no attributes"
    )
    assert score.contributions == score.base == reason


@pytest.mark.parametrize("weight", [float("nan"), 1e200])
def test_weights_that_were_made_to_fill_the_memory_do_not(weight):
    f, (start, end) = network(), line()
    f[0].weight.fill_(weight)
    assert mean_gradient(f, start, end).shape == start.shape
