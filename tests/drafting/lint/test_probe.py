from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from tests.drafting.lint.planted import (
    ALWAYS,
    BLUR,
    JPEG,
    NOTHING,
    PHOTOGRAPH,
    PHOTOGRAPHS,
    STRENGTH,
    WIDTH,
    planted_probe,
    planted_subject,
)
from workbench.drafting.lint import rules
from workbench.errors import ShapeError


def told(direction, **more):
    """Return the names of the rules on images that have something to say."""
    subject = planted_subject(direction, **more)
    return {n for n, rule in rules().items() if rule.needs == "images" and rule.check(subject)}


def test_a_direction_that_follows_strength_has_no_findings():
    assert told(JPEG) == set()


def test_its_opposite_is_inverted():
    assert told(-JPEG) == {"inverted"}


@pytest.mark.parametrize("direction", [NOTHING, PHOTOGRAPH])
def test_a_direction_without_strength_is_dead(direction):
    assert told(direction) == {"dead"}


def test_the_identity_of_photographs_with_a_little_strength_is_content_driven():
    finding = rules()["content_driven"].check(planted_subject(PHOTOGRAPH + 0.2 * JPEG))
    assert finding.severity == "doubt"
    assert finding.figures["content_share"] > 0.9


def test_a_direction_that_one_photograph_alone_decides_is_only_a_hint():
    subject = planted_subject(JPEG)
    subject.response.probability["jpeg"][:] = np.linspace(0.1, 0.4, 6)
    subject.response.probability["jpeg"][0] += 0.5
    assert rules()["content_driven"].check(subject).severity == "hint"


@pytest.mark.parametrize(("offset", "where"), [(-1, "never says yes"), (1, "clean photographs")])
def test_a_direction_far_from_one_half_is_saturated(offset, where):
    subject = planted_subject(offset * ALWAYS + 0.02 * JPEG)
    assert where in rules()["saturated"].check(subject).reason


def test_what_fits_another_distortion_better_names_it_with_the_share_of_pairs():
    finding = rules()["also_fires_on"].check(planted_subject(0.3 * JPEG + BLUR))
    assert finding.figures["gaussian_blur"] == 1.0
    assert finding.figures["grounding_auc"] == finding.figures["grounding_high"] == 0.0
    assert finding.figures["rival_srcc"] == 1.0
    assert "also fires on gaussian_blur 1.00" in finding.reason
    assert finding.severity == "doubt"  # of another group


def test_the_grounding_names_the_worst_rival_with_an_interval_over_photographs():
    response = planted_subject(JPEG).response
    grounding = response.grounding("jpeg")
    assert (grounding.rival, grounding.auc, grounding.low, grounding.high) == (
        "gaussian_blur", 1.0, 1.0, 1.0,
    )  # fmt: skip
    assert (grounding.srcc, grounding.rival_srcc) == (1.0, 0.0)
    assert response.grounding("jpeg", near=["gaussian_blur"]) is None


def test_what_fits_another_distortion_a_little_better_is_told_if_every_photograph_says_so():
    subject = planted_subject(JPEG)
    for name, top in (("jpeg", 0.6), ("gaussian_blur", 0.62)):
        subject.response.probability[name][:] = np.linspace(0.1, top, 6)
    finding = rules()["also_fires_on"].check(subject)
    assert 0.5 < finding.figures["gaussian_blur"] < 0.8
    assert finding.figures["grounding_high"] < 0.5


def test_a_type_declared_near_on_either_side_is_no_rival():
    subject = planted_subject(0.3 * JPEG + BLUR)
    jpeg, blur = subject.distortion, subject.catalogue["gaussian_blur"]
    check = rules()["also_fires_on"].check
    assert check(replace(subject, distortion=jpeg.model_copy(update={"near": (blur.id,)}))) is None
    near_blur = {blur.id: blur.model_copy(update={"near": (jpeg.id,)})}
    assert check(replace(subject, catalogue={**subject.catalogue, **near_blur})) is None
    assert check(subject)


def test_a_dead_attribute_is_told_once():
    assert told(PHOTOGRAPH + 1e-9 * BLUR) == {"dead"}


def test_a_distortion_that_the_probe_does_not_have_is_passed_over():
    assert told(JPEG, distortion="fast_fading") == set()


def test_the_response_is_equation_six():
    probe, pair = planted_probe(scale=3.0), np.random.default_rng(0).normal(size=(2, WIDTH))
    found = probe.response(pair.astype(np.float32)).probability["jpeg"]
    for photograph, level in ((0, 0), (3, 5)):
        image = probe.embeddings["jpeg"][photograph, level, 0]
        assert found[photograph, level] == pytest.approx(expit(3 * (pair[0] - pair[1]) @ image))


def test_the_curve_has_a_point_per_level_inside_its_interval():
    curve = planted_subject(JPEG + PHOTOGRAPH).response.curve("jpeg")
    assert curve.strength.tolist() == STRENGTH.tolist()
    assert (curve.low < curve.mean).all()
    assert (curve.mean < curve.high).all()
    assert (np.diff(curve.mean) > 0).all()


def test_the_strongest_levels_are_those_of_effective_strength():
    response = planted_subject(JPEG).response
    response.strengths["jpeg"] = np.array([0, 1, 0.5, 0, 0.4, 0.9])
    chosen = response.strongest("jpeg").reshape(PHOTOGRAPHS, 2)
    assert chosen.tolist() == response.probability["jpeg"][:, [5, 1]].tolist()


def test_a_row_of_the_matrix_leaves_out_its_own_distortion():
    assert planted_subject(JPEG).response.auc_row("jpeg") == {"gaussian_blur": 1.0}


def test_embeddings_of_another_width_are_refused():
    with pytest.raises(ShapeError, match=r"Expected a pair of sentences, \(2, 8\), got \(2, 3\)"):
        planted_probe().response(np.zeros((2, 3), np.float32))
