"""Image-text encoders behind one small protocol; nothing else knows open_clip.

Importing this package is cheap: open_clip is imported when an encoder is loaded.
"""

from workbench.domain.config import EncoderConfig
from workbench.encoders.protocol import Encoder, Tower
from workbench.settings import Settings

__all__ = ["Encoder", "Tower", "default_encoder", "load_encoder"]


def default_encoder(settings: Settings) -> EncoderConfig:
    """Return the encoder that is used unless another is named; see `loading.default_encoder`."""
    from workbench.encoders import loading

    return loading.default_encoder(settings)


def load_encoder(config: EncoderConfig, settings: Settings, *, seed: int) -> Encoder:
    """Return the encoder that a configuration asks for; see `loading.load_encoder`."""
    from workbench.encoders import loading

    return loading.load_encoder(config, settings, seed=seed)
