"""The MobileNetV2 of the DCASE baselines of 2021 and 2022 (Kawaguchi et al., DCASE 2021)."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts, check_positive


def mobilenet_v2(
    log_mel: tf.Tensor, *, alpha: float = 0.5, classes: int | None = None
) -> tf.Tensor:
    """Adds Keras' own MobileNetV2, untrained, to a log-mel spectrogram.

    The spectrogram is repeated for the three color channels of an image. The last convolution is
    followed by the mean over time and frequency and a dense layer. The organizers train its softmax
    with cross-entropy (y-kawagu/dcase2021_task2_baseline_mobile_net_v2); here the softmax is part
    of the loss.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 64 x 128 in the baseline; at least 32 x 32.
        alpha: Factor of the numbers of filters, greater than 0; 0.5 in the baseline.
        classes: Outputs of the dense layer; None for no dense layer.

    Returns:
        Keras tensor, float32: logits [batch, classes], or the mean [batch, 1280].

    Raises:
        ValueError: If an argument is out of range.
    """
    check_positive(alpha=alpha)
    if classes is not None:
        check_counts(classes=classes)
    network = keras.applications.MobileNetV2(
        input_shape=[*log_mel.shape[1:], 3], alpha=alpha, include_top=False, weights=None
    )
    x = keras.layers.Reshape([*log_mel.shape[1:], 1], name="image")(log_mel)
    x = keras.layers.Concatenate(name="colors")([x, x, x])
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="mean")(network(x))
    if classes is None:
        return x
    return keras.layers.Dense(classes, dtype="float32", name="logits")(x)
