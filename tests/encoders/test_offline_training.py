"""What the training of the offline encoder takes for true, and for nobody's business."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from experiments.offline_encoder.objective import sentence_loss
from experiments.offline_encoder.sentences import sentence_pool
from experiments.offline_encoder.statistics import CAMERA, TYPES, camera_steps, strengths
from workbench.distortions import catalogue
from workbench.settings import resource
from workbench.store.text import read_attributes

GIVEN = {"scale": 25.0, "each": 0.5, "type": 0.08}


def test_a_type_that_shows_the_same_fault_is_neither_there_nor_absent():
    found = dict(zip(TYPES, strengths((("lens_blur", 5),), TYPES), strict=True))
    assert found["lens_blur"] == 1
    assert np.isnan(found["missed_focus"])
    assert found["jpeg"] == 0


def test_a_near_type_that_was_applied_too_keeps_its_strength():
    steps = (("lens_blur", 5), ("missed_focus", 2))
    found = dict(zip(TYPES, strengths(steps, TYPES), strict=True))
    assert (found["lens_blur"], found["missed_focus"]) == (1, pytest.approx(0.4))


def test_what_is_unknown_has_no_part_in_the_loss():
    torch.manual_seed(0)
    embeddings, directions = F.normalize(torch.randn(3, 8), dim=-1), torch.randn(4, 2, 8)
    truth = torch.tensor([[1.0, 0, 0, torch.nan], [0, 0, 0, 0], [0, torch.nan, 0.4, 0]])
    loss = sentence_loss(embeddings[:1], directions, truth[:1], GIVEN)
    changed = directions.clone()
    changed[3] = torch.randn(2, 8)
    assert sentence_loss(embeddings[:1], changed, truth[:1], GIVEN) == loss
    assert sentence_loss(embeddings, changed, truth, GIVEN).isfinite()


@pytest.mark.parametrize("seed", range(20))
def test_faults_of_a_camera_come_in_its_order_and_exposure_errs_one_way(seed):
    names = [
        name for name, _ in camera_steps(np.random.default_rng(seed), {"clean": 0.1, "single": 0.2})
    ]
    assert names == sorted(names, key=CAMERA.index)
    assert not {"under_exposure", "over_exposure"} <= set(names)


def test_every_type_of_the_training_is_in_the_catalogue_with_its_curated_phrases_first():
    curated = read_attributes(resource("attribute_db/curated")).phrases()
    types = sentence_pool()["distortions"]
    assert tuple(types) == TYPES
    assert set(types) <= set(catalogue())
    for name, parts in types.items():
        assert tuple(parts["trained"][:5]) == curated[name]


def test_no_held_out_sentence_is_trained_with():
    pool = sentence_pool()
    statements = pool["statements"]
    kinds = [
        *pool["distortions"].values(),
        *statements["antonyms"].values(),
        *(statements[kind] for kind in ("negations", "praise", "content", "nonsense")),
    ]
    trained = {phrase for kind in kinds for phrase in kind["trained"]}
    assert not trained & {phrase for kind in kinds for phrase in kind["held_out"]}
    assert all(len(kind["held_out"]) * 4 >= len(kind["trained"]) for kind in kinds)
