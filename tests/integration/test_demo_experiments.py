"""Which experiment the demo takes: it depends on whether CLIP's weights can be had."""

import pytest

from workbench.cli.demo import demo_experiment
from workbench.encoders import loading
from workbench.settings import read_settings

OFFLINE = read_settings().model_copy(update={"offline": True})


@pytest.mark.parametrize(("quick", "name"), [(False, "demo"), (True, "demo-quick")])
def test_without_a_hub_prompts_of_the_offline_encoder_are_tuned(quick, name):
    config = demo_experiment(OFFLINE, quick=quick)
    assert config.name == name
    assert (config.encoder.name, config.tuning.mode) == ("offline", "shallow")


@pytest.mark.parametrize(("quick", "name"), [(False, "demo-clip"), (True, "demo-clip-quick")])
def test_where_clip_is_cached_its_prompts_are_tuned(quick, name, monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "cached_weights", lambda *_: tmp_path)
    config = demo_experiment(OFFLINE, quick=quick)
    assert config.name == name
    assert (config.encoder.name, config.tuning.mode) == ("ViT-B-32-quickgelu", "shallow")
