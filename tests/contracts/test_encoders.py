"""What holds for each encoder that ships with weights of its own."""

import numpy as np
import pytest
import torch
import yaml

from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion
from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.errors import ShapeError
from workbench.settings import read_settings, resource
from workbench.training.modules import PromptedTower

pytestmark = pytest.mark.slow

IMAGES = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def load(name, seed=0):
    return load_encoder(EncoderConfig(name=name), read_settings(), seed=seed)


@pytest.fixture(scope="module", params=["offline", "dinov2"])
def encoder(request):
    return load(request.param)


def test_everything_is_frozen(encoder):
    assert not any(parameter.requires_grad for parameter in encoder.model.parameters())
    assert not encoder.model.training


def test_it_is_the_same_for_every_seed_and_leaves_the_random_state(encoder):
    before = torch.random.get_rng_state()
    other = load(encoder.facts.name, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(encoder.tower(IMAGES), other.tower(IMAGES))


@pytest.mark.parametrize("mode", ["shallow", "deep"])
def test_zero_prompts_give_encode_image_and_prompts_change_it(encoder, mode):
    plain = encoder.model.encode_image(IMAGES)
    assert plain.shape == (2, 384)
    assert torch.equal(encoder.tower(IMAGES), plain)
    assert torch.allclose(PromptedTower(encoder.tower, mode, 0)(IMAGES), plain, atol=1e-6)
    torch.manual_seed(0)
    prompted = PromptedTower(encoder.tower, mode, 4)(IMAGES)
    assert not torch.allclose(prompted, plain, atol=1e-3)


def test_images_of_another_size_are_refused(encoder):
    with pytest.raises(ShapeError, match="reads 224x224 px, got images of 96x96 px"):
        encoder.tower(torch.rand(1, 3, 96, 96))


def test_curated_sentences_name_the_distortion_of_a_photograph(encoder):
    """Astronaut, which it was never trained on, under six distortions that are easy to see."""
    folder = resource("attribute_db/curated")
    names = ["gaussian_blur", "impulse_noise", "jpeg", "color_block", "darken", "pixelate"]
    phrases = [yaml.safe_load((folder / f"{n}.yaml").read_text())["attributes"] for n in names]
    flat = [phrase for of_type in phrases for phrase in of_type]
    texts = encoder.encode_texts([f"There is {phrase} in the photo." for phrase in flat])
    directions = texts - encoder.encode_texts(["A pristine, undistorted photo."])
    image = load_photograph(photograph_files("packaged")["astronaut"], 512, 384)
    crops = [apply_distortion(image, name, 5, seed=0)[80:304, 144:368] for name in names]
    images = encoder.normalise(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))
    with torch.no_grad():
        scores = encoder.tower(images) @ directions.T
    named = scores.unflatten(1, (6, 5)).mean(2).argmax(1)
    assert (named == torch.arange(6)).sum() >= 5
