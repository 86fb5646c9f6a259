"""The one entry by which an encoder is known to the rest of the package."""

import dataclasses
from collections.abc import Callable, Mapping

import keras

from asd_tf.models.encoders.config import EncoderConfig


@dataclasses.dataclass(frozen=True)
class EncoderFamily:
    """An encoder in all its sizes.

    Attributes:
        kind: Its name in recipes and in converted checkpoints.
        config: Class of its configs.
        build: Builds it; called with (config, samples, parts, **kwargs), see `build_encoder`.
        sizes: Name to config of each size that can be trained from random weights.
        published: Where pre-trained weights are published, for messages.
        bands: Tokens of a frame, one for each band, where tokens are ordered by time and then by
            frequency; 1 where they are not, or are of the whole spectrum.
        adaptable: Whether it has dense layers, which LoRA adapts.
        least_samples: Length of the shortest waveform, at 16 kHz; 1 where `build` finds out.
    """

    kind: str
    config: type[EncoderConfig]
    build: Callable[..., keras.Model]
    sizes: Mapping[str, EncoderConfig]
    published: str
    bands: int = 1
    adaptable: bool = True
    least_samples: int = 1
