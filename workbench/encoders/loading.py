"""From a configuration to an encoder that is ready to encode."""

from collections.abc import Callable, Mapping
from functools import cache

import torch

import workbench.encoders
from workbench.domain.config import EncoderConfig
from workbench.encoders import offline
from workbench.encoders.openclip import DEFAULT, cached_weights, load_open_clip
from workbench.encoders.protocol import Encoder
from workbench.errors import ConfigError
from workbench.hub import hub_reachable
from workbench.registry import Registry, discover
from workbench.settings import Settings

Loader = Callable[..., Encoder]

UNREACHABLE = "no model hub can be reached and no CLIP weights are cached"


@cache
def own_encoders() -> Mapping[str, Loader]:
    """Return the workbench's own encoders: every module of this package with a NAME and a load."""
    modules = [module for module in discover(workbench.encoders) if hasattr(module, "NAME")]
    return Registry("encoder", {module.NAME: module.load for module in modules})


def load_encoder(config: EncoderConfig, settings: Settings, *, seed: int) -> Encoder:
    """Return the encoder that a configuration asks for, frozen and on its device.

    Args:
        config: "offline"; "dinov2"; any open_clip name; or "auto": CLIP where its weights are
            available, else the offline encoder, and `facts.note` says so.
        settings: Says whether the hub may be used, and the device.
        seed: Decides random weights, and only those.

    Raises:
        UnknownNameError: No encoder or no weights of this name.
        ConfigError: The encoder cannot be tuned, or its weights are unavailable or unreadable.
    """
    device = _device(settings.device)
    if config.name == "auto":
        return _load_default(settings, seed=seed, device=device)
    if config.name in own_encoders():
        return own_encoders()[config.name](config, settings, seed=seed, device=device)
    return load_open_clip(config, settings, seed=seed, device=device)


def default_encoder(settings: Settings) -> EncoderConfig:
    """Return CLIP where its weights are cached or can be fetched, else the offline encoder."""
    if cached_weights(DEFAULT.name, str(DEFAULT.pretrained)) or hub_reachable(settings):
        return DEFAULT
    return EncoderConfig(name=offline.NAME)


def _load_default(settings: Settings, *, seed: int, device: torch.device) -> Encoder:
    if default_encoder(settings) == DEFAULT:
        try:
            return load_open_clip(DEFAULT, settings, seed=seed, device=device)
        except ConfigError as error:
            reason = str(error)
    else:
        reason = UNREACHABLE
    encoder = own_encoders()[offline.NAME](
        EncoderConfig(name=offline.NAME), settings, seed=seed, device=device
    )
    note = f"{encoder.facts.note}; chosen because {reason.rstrip('.')}"
    encoder.facts = encoder.facts.model_copy(update={"note": note})
    return encoder


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch without CUDA raises the latter
        raise ConfigError(
            f"Device '{name}' is not usable here: set WORKBENCH_DEVICE to 'cpu' or 'auto'."
        ) from error
