import re

import pytest

from workbench.distortions import catalogue, operators
from workbench.errors import UnknownNameError

# The official generator's parameters (Lin, Hosu and Saupe, KADID-10k, QoMEX 2019).
OFFICIAL = """
gaussian_blur blur .1 .5 1 2 5
lens_blur blur 1 2 4 6 8
motion_blur blur 1 2 4 6 10
color_diffusion colour 1 3 6 8 12
color_shift colour 1 3 6 8 12
color_quantization colour 64 48 32 16 8
color_saturation_1 colour .4 .2 .1 0 -.4
color_saturation_2 colour 1 2 3 6 9
jpeg2000 compression 16 32 45 120 400
jpeg compression 43 36 24 7 4
white_noise noise .001 .002 .003 .005 .01
white_noise_color_component noise .0001 .0005 .001 .002 .003
impulse_noise noise .001 .005 .01 .02 .03
multiplicative_noise noise .001 .005 .01 .02 .05
denoise noise .01 .03 .05 .1 .15
brighten brightness .1 .2 .4 .7 1.1
darken brightness .05 .1 .2 .4 .8
mean_shift brightness .15 .08 0 -.08 -.15
jitter spatial .05 .1 .2 .5 1
non_eccentricity_patch spatial 20 40 60 80 100
pixelate spatial .01 .05 .1 .2 .5
quantization spatial 20 16 13 10 7
color_block spatial 2 4 6 8 10
high_sharpen sharpness 1 2 3 6 12
contrast_change sharpness .3 .15 0 -.4 -.6
"""


def test_the_catalogue_is_kadid_10ks_in_its_order():
    rows = [line.split() for line in OFFICIAL.split("\n") if line]
    expected = [
        (id_, group, f"KADID-10k #{number}", tuple(map(float, levels)))
        for number, (id_, group, *levels) in enumerate(rows, start=1)
    ]
    kadid = list(catalogue().values())[:25]
    assert [(spec.id, spec.group, spec.source, spec.levels) for spec in kadid] == expected


def test_what_has_an_operator_is_in_both():
    assert [spec.id for spec in catalogue().values() if spec.has_operator] == list(operators())


@pytest.mark.parametrize("spec", catalogue().values(), ids=list(catalogue()))
def test_the_explanation_is_one_plain_sentence(spec):
    assert 12 <= len(spec.explanation.split()) <= 50
    assert re.fullmatch(r"[A-Z][^.]*\.", spec.explanation)
    assert bool(spec.parameter) == bool(spec.levels) == spec.has_operator


# TID2013, CSIQ, LIVE and LVQ, less what is the same thing as one of KADID-10k's.
OTHERS = """
pink_noise noise CSIQ #4
fast_fading compression LIVE #5
smoke brightness LVQ #4
uneven_illumination brightness LVQ #5
spatially_correlated_noise noise TID2013 #3
masked_noise noise TID2013 #4
high_frequency_noise noise TID2013 #5
jpeg_transmission_errors compression TID2013 #12
jpeg2000_transmission_errors compression TID2013 #13
comfort_noise noise TID2013 #20
lossy_compression_of_noisy_images compression TID2013 #21
color_quantization_dither colour TID2013 #22
chromatic_aberration colour TID2013 #23
sparse_sampling compression TID2013 #24
"""
NOT_APPLICABLE = {
    "fast_fading",
    "jpeg2000_transmission_errors",
    "comfort_noise",
    "lossy_compression_of_noisy_images",
}


def test_the_other_data_sets_types_follow():
    rows = [line.split(maxsplit=2) for line in OTHERS.split("\n") if line]
    others = [s for s in catalogue().values() if not s.source.startswith(("KADID", "camera"))]
    assert [[spec.id, spec.group, spec.source] for spec in others] == rows
    assert {spec.id for spec in others if not spec.has_operator} == NOT_APPLICABLE
    for spec in others:
        levels = 4 if spec.source.startswith("LVQ") else 5
        assert len(spec.levels) == levels * spec.has_operator


def test_what_is_declared_near_is_another_type_of_the_catalogue():
    for spec in catalogue().values():
        assert set(spec.near) <= set(catalogue()) - {spec.id}


def test_no_two_distortions_share_an_explanation_or_a_name():
    for field in ("explanation", "name"):
        assert len({getattr(spec, field) for spec in catalogue().values()}) == len(catalogue())


def test_an_unknown_distortion_says_which_was_meant():
    with pytest.raises(UnknownNameError, match=r"Unknown distortion 'pixelated'\. Did you mean"):
        catalogue()["pixelated"]
