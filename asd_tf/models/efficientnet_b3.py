"""EfficientNet-B3 (Tan and Le, ICML 2019), one of the networks of Kuroyanagi et al. (2021)."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

# The values of an image, which Keras' network divides by their maximum.
WHITE = 255.0


def efficientnet_b3(
    log_mel: tf.Tensor,
    *,
    lowest: float = -100.0,
    highest: float = 60.0,
    blocks: Sequence[dict[str, Any]] | None = None,
) -> tf.Tensor:
    """Adds Keras' own EfficientNet-B3, untrained, to a log-mel spectrogram.

    The levels between `lowest` and `highest` become the grey values 0 to 255 of an image, three
    times over in place of its colours; levels beyond them lie beyond 0 and 255, nothing is cut off.
    Behind the last convolution comes the mean over time and frequency. Blocks are never dropped in
    training, which is the default of PyTorch Image Models too (Keras' is a rate of 0.2).

    Args:
        log_mel: Keras tensor [batch, frames, bands], 256 x 256 in the paper; at least 32 x 32.
        lowest: Level that becomes 0: that of the default floor of `LogMel` in decibels.
        highest: Level that becomes 255: about that of a loud tone in a frame of 1024 samples.
        blocks: What stands in place of B3's stages, as `blocks_args` of keras.applications has it;
            None for B3's own. Filters are multiplied by 1.2, counts of blocks by 1.4.

    Returns:
        Keras tensor: the embedding [batch, 1536], float32.

    Raises:
        ValueError: If `highest` is not above `lowest`.
    """
    if highest <= lowest:
        raise ValueError(f"levels from {lowest} to {highest} are none: use a higher upper end")
    network = keras.applications.EfficientNetB3(
        input_shape=[*log_mel.shape[1:], 3],
        include_top=False,
        weights=None,
        drop_connect_rate=0.0,
        **({} if blocks is None else {"blocks_args": [dict(block) for block in blocks]}),
    )
    scale = WHITE / (highest - lowest)
    grey = keras.layers.Rescaling(scale, -lowest * scale, dtype="float32", name="grey")(log_mel)
    x = keras.layers.Reshape([*log_mel.shape[1:], 1], name="image")(grey)
    x = keras.layers.Concatenate(name="colours")([x, x, x])
    return keras.layers.GlobalAveragePooling2D(dtype="float32", name="mean")(network(x))
