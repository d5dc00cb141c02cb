import numpy as np
import pytest
import torch

from tests.drafting.lint.planted import kept_files
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion, catalogue, effective_strength
from workbench.domain.distortion import Recipe, Step
from workbench.drafting.lint import load_probe, missing_from_probe
from workbench.errors import DataError

pytestmark = pytest.mark.slow

PIXELATE = catalogue()["pixelate"]


@pytest.fixture
def making(encoder, photographs, cache):
    """Return a function that loads the probe of some distortions from the shared cache."""

    def load(*specs, **more):
        return load_probe(encoder, specs, **{"cache": cache, "photographs": photographs, **more})

    return load


def test_an_image_is_the_towers_embedding_of_its_crops(probe, encoder, photographs):
    files = photograph_files(photographs)
    image = load_photograph(files["china.png"], 384, 288)
    distorted = apply_distortion(image, "jpeg", 3, seed=1)  # the second photograph's own seed
    crops = np.stack([distorted[32:256, :224], distorted[32:256, 160:]])
    with torch.no_grad():
        expected = encoder.tower(encoder.normalise(torch.from_numpy(crops).permute(0, 3, 1, 2)))
    expected = expected / expected.norm(dim=-1, keepdim=True)
    assert probe.embeddings["jpeg"][1, 3] == pytest.approx(expected.numpy(), abs=1e-5)


def test_it_has_the_clean_photograph_and_every_level_of_every_distortion(probe):
    assert probe.distortions == ("gaussian_blur", "jpeg")
    assert probe.embeddings["jpeg"].shape == (3, 6, 2, 384)
    clean = [probe.embeddings[name][:, 0] for name in probe.distortions]
    assert np.array_equal(*clean)
    expected = [effective_strength(catalogue()["jpeg"], level) for level in range(6)]
    assert probe.strengths["jpeg"].tolist() == expected


def test_what_is_kept_is_not_made_again_and_reads_the_same(probe, making, cache):
    before = kept_files(cache)
    again = making(catalogue()["jpeg"])
    assert np.array_equal(again.embeddings["jpeg"], probe.embeddings["jpeg"])
    assert kept_files(cache) == before


def test_a_damaged_file_is_made_again(probe, making, cache):
    (file,) = cache.rglob("jpeg-*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    again = making(catalogue()["jpeg"])
    assert again.embeddings["jpeg"] == pytest.approx(probe.embeddings["jpeg"], abs=1e-5)
    assert file.stat().st_size > 100


def test_a_distortion_is_missing_until_it_was_made(encoder, photographs, making, cache):
    where = {"cache": cache, "photographs": photographs}
    specs = [PIXELATE, catalogue()["fast_fading"]]
    assert missing_from_probe(encoder, specs, **where) == ("pixelate",)
    made = making(*specs)
    assert made.distortions == ("pixelate",)  # the other one has no operator
    assert missing_from_probe(encoder, specs, **where) == ()


def test_what_was_finished_before_a_break_stays(encoder, photographs, tmp_path):
    def broken(share, what):
        if what == "pixelate":
            raise KeyboardInterrupt

    specs = [catalogue()["darken"], PIXELATE]
    where = {"cache": tmp_path, "photographs": photographs}
    with pytest.raises(KeyboardInterrupt):
        load_probe(encoder, specs, **where, progress=broken)
    assert missing_from_probe(encoder, specs, **where) == ("pixelate",)


def test_recipes_are_applied_and_told_apart_by_their_content(making, cache):
    def recipe(strength):
        step = Step(operator="darken", parameters=(strength,))
        words = {"group": "brightness", "explanation": "It gets dark."}
        return Recipe(id="night", name="Night", steps=(step,), **words)

    first, second = (making(r.spec(), recipes=(r,)) for r in (recipe(0.1), recipe(0.8)))
    assert len(list(cache.rglob("night-*.safetensors"))) == 2
    assert not np.allclose(first.embeddings["night"], second.embeddings["night"], atol=0.01)


def test_a_cache_that_cannot_be_written_says_so(making, tmp_path):
    (tmp_path / "lint-probe").write_text("in the way")
    with pytest.raises(DataError, match="set WORKBENCH_CACHE to another folder"):
        making(PIXELATE, cache=tmp_path)
