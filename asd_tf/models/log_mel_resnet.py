"""The ResNet on log-mels of Wilkinghoff 2021 (IJCNN) in the form of Asai 2021 (Table 1)."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.layers.factory import LayerFactory, batch_norm

STAGES = 4
LEAK = 0.1


def log_mel_resnet(
    log_mel: tf.Tensor, *, width: int = 16, dense: int = 128, use_bias: bool = True, l2: float = 0.0
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram.

    Every convolution is followed by a leaky ReLU and then by a batch norm, as in the published code
    of 2021; the norm of the second convolution of a residual path follows the sum. Names of the
    layers in stage k, counted from 1, begin with `stage_k_`, those of the layers before with
    `stem_`.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 313 x 128 for 10 s at 16 kHz.
        width: Filters of the stem and of the first stage; each of the other three doubles them.
        dense: Size of the embedding.
        use_bias: Whether convolutions and the dense layer have a bias.
        l2: Factor of the squared kernels in the loss, at least 0.

    Returns:
        Keras tensor: the embedding [batch, dense], float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_counts(width=width, dense=dense)
    make = LayerFactory(use_bias, l2)
    x = _stem(make, log_mel, width)
    for stage in range(1, STAGES + 1):
        filters = width * 2 ** (stage - 1)
        x = _block(make, x, filters, f"stage_{stage}_a", halving=stage > 1)
        x = _block(make, x, filters, f"stage_{stage}_b")
    x = keras.layers.MaxPooling2D([x.shape[1], 1], padding="same", name="pool")(x)
    x = keras.layers.Flatten(name="flat")(x)
    return make.dense(dense, dtype="float32", name="embedding")(x)


def _stem(make: LayerFactory, log_mel: tf.Tensor, width: int) -> tf.Tensor:
    x = keras.layers.Reshape([*log_mel.shape[1:], 1], name="stem_reshape")(log_mel)
    x = make.stem(width, 7, name="stem_convolution")(x)
    x = _leaky("stem_activation")(x)
    x = batch_norm("stem_norm")(x)
    # With padding the output is 79 x 32, as in Table 1; the code of 2021 does not pad (78 x 31).
    return keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)


def _block(
    make: LayerFactory, x: tf.Tensor, filters: int, name: str, halving: bool = False
) -> tf.Tensor:
    """A residual block with a norm on the trunk; a halving block has a pooled shortcut."""
    residual = _leaky(f"{name}_activation_1")(x)
    residual = make.conv2d(filters, 3, 2 if halving else 1, name=f"{name}_convolution_1")(residual)
    residual = _leaky(f"{name}_activation_2")(residual)
    residual = batch_norm(f"{name}_norm_1")(residual)
    residual = make.conv2d(filters, 3, name=f"{name}_convolution_2")(residual)
    if halving:
        x = keras.layers.MaxPooling2D(2, padding="same", name=f"{name}_shortcut_pool")(x)
        x = make.conv2d(filters, 1, name=f"{name}_shortcut_convolution")(x)
    x = keras.layers.Add(name=f"{name}_sum")([x, residual])
    return batch_norm(f"{name}_norm_2")(x)


def _leaky(name: str) -> keras.layers.Layer:
    return keras.layers.LeakyReLU(LEAK, name=name)
