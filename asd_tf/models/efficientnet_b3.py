"""EfficientNet-B3 (Tan and Le, ICML 2019), one of the networks of Kuroyanagi et al. (2021)."""

import keras
import tensorflow as tf

from asd_tf import compat

# The largest value of an image; Keras' network divides by it.
WHITE = 255.0


def efficientnet_b3(
    log_mel: tf.Tensor, *, lowest: float = -100.0, highest: float = 60.0
) -> tf.Tensor:
    """Adds Keras' own EfficientNet-B3, untrained, to a log-mel spectrogram.

    Log-mels from `lowest` to `highest` dB are mapped to the gray values 0 to 255 of an image, which
    is repeated for the three color channels; values outside are not clipped. The last convolution
    is followed by the mean over time and frequency. Blocks are never dropped in training, which is
    also the default of PyTorch Image Models (Keras' default is a rate of 0.2).

    Args:
        log_mel: Keras tensor [batch, frames, bands] in dB, 256 x 256 in the paper; at least
            32 x 32.
        lowest: dB mapped to 0. The default is the floor of `LogMel`.
        highest: dB mapped to 255. The default is about that of a loud tone in a frame of 1024
            samples.

    Returns:
        Keras tensor: the embedding [batch, 1536], float32.

    Raises:
        ValueError: If `highest` is not above `lowest`.
    """
    if not highest > lowest:
        raise ValueError(f"highest must be above lowest = {lowest} dB, got {highest}")
    network = compat.efficientnet_b3(
        input_shape=[*log_mel.shape[1:], 3], include_top=False, weights=None
    )
    scale = WHITE / (highest - lowest)
    gray = keras.layers.Rescaling(scale, -lowest * scale, dtype="float32", name="gray")(log_mel)
    x = keras.layers.Reshape([*log_mel.shape[1:], 1], name="image")(gray)
    x = keras.layers.Concatenate(name="colors")([x, x, x])
    return keras.layers.GlobalAveragePooling2D(dtype="float32", name="mean")(network(x))
