"""MobileNetV2 as the baselines of DCASE 2021 and 2022 have it (Kawaguchi et al., DCASE 2021)."""

import keras
import tensorflow as tf


def mobilenet_v2(
    log_mel: tf.Tensor, *, alpha: float = 0.5, classes: int | None = None
) -> tf.Tensor:
    """Adds Keras' own MobileNetV2, untrained, to a log-mel spectrogram.

    The spectrogram goes in as it is, three times over, in place of the colours of an image. Behind
    the last convolution come the mean over time and frequency and a dense layer, whose softmax the
    organisers train with cross-entropy (y-kawagu/dcase2021_task2_baseline_mobile_net_v2); here the
    softmax is left to the loss.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 64 x 128 in the baseline; at least 32 x 32.
        alpha: Factor of the numbers of filters, 0.5 in the baseline.
        classes: Of the dense layer; None leaves it away.

    Returns:
        Keras tensor, float32: logits [batch, classes], or the mean [batch, 1280].
    """
    network = keras.applications.MobileNetV2(
        input_shape=[*log_mel.shape[1:], 3], alpha=alpha, include_top=False, weights=None
    )
    x = keras.layers.Reshape([*log_mel.shape[1:], 1], name="image")(log_mel)
    x = keras.layers.Concatenate(name="colours")([x, x, x])
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="mean")(network(x))
    if classes is None:
        return x
    return keras.layers.Dense(classes, dtype="float32", name="logits")(x)
