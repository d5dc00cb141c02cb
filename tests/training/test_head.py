import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ShapeError
from workbench.training.modules import AttributeHead, attribute_probabilities, distortion_loss


@given(st.integers(0, 10_000), st.floats(0.5, 100))
def test_probabilities_are_equation_6_in_float64(seed, scale):
    rng = np.random.default_rng(seed)
    image, pairs = rng.normal(size=(3, 5)), rng.normal(size=(4, 2, 5))
    image /= np.linalg.norm(image, axis=-1, keepdims=True)
    pairs /= np.linalg.norm(pairs, axis=-1, keepdims=True)
    positive, negative = scale * image @ pairs[:, 0].T, scale * image @ pairs[:, 1].T
    top = np.maximum(positive, negative)
    softmax = np.exp(positive - top) / (np.exp(positive - top) + np.exp(negative - top))
    ours = attribute_probabilities(torch.from_numpy(image), torch.from_numpy(pairs), scale=scale)
    assert ours.numpy() == pytest.approx(softmax, abs=1e-9)


def test_embeddings_of_two_encoders_are_refused_with_both_shapes():
    with pytest.raises(ShapeError, match=r"\(1, 3\) and text pairs \(2, 2, 4\)"):
        attribute_probabilities(torch.zeros(1, 3), torch.zeros(2, 2, 4), scale=1.0)


def test_strengths_start_as_the_plain_mean_and_follow_equation_7():
    head = AttributeHead(torch.tensor([0, 0, 1, 1, 1]))
    probabilities = torch.rand(4, 5, dtype=torch.float64)
    plain = np.stack([probabilities[:, :2].mean(1), probabilities[:, 2:].mean(1)], 1)
    assert head(probabilities).detach().numpy() == pytest.approx(plain, abs=1e-7)
    with torch.no_grad():
        head.logits.copy_(torch.tensor([0.3, -1.0, 2.0, 0.0, 1.0]))
    raised = np.exp([0.3, -1.0, 2.0, 0.0, 1.0])
    weights = np.r_[raised[:2] / raised[:2].sum(), raised[2:] / raised[2:].sum()]
    weighted = probabilities.numpy() * weights
    expected = np.stack([weighted[:, :2].sum(1), weighted[:, 2:].sum(1)], 1)
    assert head(probabilities).detach().numpy() == pytest.approx(expected, abs=1e-6)


def test_the_loss_is_equation_8():
    strengths, targets = torch.tensor([[0.2, 0.9]]), torch.tensor([[0.4, 1.0]])
    expected = -np.mean([0.4 * np.log(0.2) + 0.6 * np.log(0.8), np.log(0.9)])
    assert distortion_loss(strengths, targets).item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_of_a_certain_and_wrong_answer_is_finite():
    assert distortion_loss(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]])).isfinite()


def test_weights_of_a_distortion_without_gradient_stay_uniform():
    head = AttributeHead(torch.tensor([0, 0, 1, 1]))
    strengths = head(torch.tensor([[0.1, 0.9, 0.4, 0.6]]))
    distortion_loss(strengths[:, :1], torch.tensor([[1.0]])).backward()
    assert head.logits.grad[:2].abs().min() > 0
    assert head.logits.grad[2:].tolist() == [0, 0]
