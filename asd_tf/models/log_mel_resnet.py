"""The ResNet on log-mels of Wilkinghoff 2021 (IJCNN), as Asai 2021 has it (Table 1)."""

import keras
import tensorflow as tf

from asd_tf.models.layers import Maker, batch_norm

STAGES = 4
LEAK = 0.1


def log_mel_resnet(
    log_mel: tf.Tensor, *, width: int = 16, dense: int = 128, use_bias: bool = True, l2: float = 0.0
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram.

    Every convolution is followed by a leaky ReLU and then by a batch norm, as in the published code
    of 2021; the second convolution of a residual path has its norm behind the sum. The layers of
    stage k, from 1, have names that begin with `stage_k_`, those before them with `stem_`.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 313 x 128 for 10 s at 16 kHz.
        width: Filters of the stem and of the first stage; each of the other three doubles them.
        dense: Size of the embedding.
        use_bias: Whether convolutions and the dense layer have a bias.
        l2: Factor of the squared kernels in the loss.

    Returns:
        Keras tensor: the embedding [batch, dense], float32.
    """
    make = Maker(use_bias, l2)
    x = _stem(make, log_mel, width)
    for stage in range(1, STAGES + 1):
        filters = width * 2 ** (stage - 1)
        x = _block(make, x, filters, f"stage_{stage}_a", halving=stage > 1)
        x = _block(make, x, filters, f"stage_{stage}_b")
    x = keras.layers.MaxPooling2D([x.shape[1], 1], padding="same", name="pool")(x)
    x = keras.layers.Flatten(name="flat")(x)
    return make.dense(dense, dtype="float32", name="embedding")(x)


def _stem(make: Maker, log_mel: tf.Tensor, width: int) -> tf.Tensor:
    x = keras.layers.Reshape([*log_mel.shape[1:], 1], name="stem_reshape")(log_mel)
    x = make.stem(width, 7, name="stem_convolution")(x)
    x = _leaky("stem_activation")(x)
    x = batch_norm("stem_norm")(x)
    # Table 1 has 79 x 32 behind it, which is the pooling that pads; the code of 2021 has 78 x 31.
    return keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)


def _block(make: Maker, x: tf.Tensor, filters: int, name: str, halving: bool = False) -> tf.Tensor:
    """A residual block with a norm on the trunk; one that halves has a pooled shortcut."""
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
