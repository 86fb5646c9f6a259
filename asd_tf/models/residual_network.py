"""What the residual networks of He et al. (CVPR 2016) and Xie et al. (CVPR 2017) share."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from asd_tf.models.layers import Maker, fast_batch_norm

# Of a layer's maker, its input, the index of the stage, and the stride, to the residual.
Residual = Callable[[Maker, tf.Tensor, int, int], tf.Tensor]

# Of He et al. (ICCV 2015).
INITIALIZER = "he_normal"


def residual_network(
    log_mel: tf.Tensor,
    residual: Residual,
    *,
    blocks: Sequence[int],
    width: int,
    embedding: int | None,
    l2: float,
) -> tf.Tensor:
    """Adds a residual network to a log-mel spectrogram, as an image of one channel.

    A convolution 7x7 with stride 2 and a maximum pooling 3x3 with stride 2, then stages of residual
    blocks, of which all but the first halve time and frequency, then the mean over both. No
    convolution has a bias, each is followed by a batch norm; shortcuts that change the size are
    convolutions 1x1 (He's option B). The momentum of the norms is that of torchvision, padding is
    Keras' `same`.

    Args:
        log_mel: Keras tensor [batch, frames, bands].
        residual: Makes the residual of a block.
        blocks: Number of blocks in each stage.
        width: Filters of the stem.
        embedding: Size of a dense layer behind the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss. The weight decay of PyTorch's SGD is twice
            this factor.

    Returns:
        Keras tensor: the embedding [batch, D], float32.
    """
    make = Maker(use_bias=False, l2=l2)
    x = keras.layers.Reshape([*log_mel.shape[1:], 1])(log_mel)
    x = make.stem(width, 7, kernel_initializer=INITIALIZER)(x)
    x = keras.layers.ReLU()(fast_batch_norm()(x))
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, count in enumerate(blocks):
        for index in range(count):
            x = _block(make, x, residual, stage, strides=2 if stage and not index else 1)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="mean")(x)
    if embedding is None:
        return x
    dense = keras.layers.Dense(
        embedding,
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        dtype="float32",
        name="embedding",
    )
    return dense(x)


def basic(width: int) -> Residual:
    """Returns the residual of two convolutions 3x3.

    Args:
        width: Filters in the first stage; each further one doubles them.
    """

    def residual(make: Maker, x: tf.Tensor, stage: int, strides: int) -> tf.Tensor:
        filters = width * 2**stage
        x = _convolution(make, x, filters, 3, strides)
        return _convolution(make, keras.layers.ReLU()(x), filters, 3)

    return residual


def grouped_bottleneck(outer: int, groups: int, group_width: int) -> Residual:
    """Returns the residual of a convolution 3x3 in groups between two of 1x1.

    The one in groups has the stride, as in torchvision and PyTorch Image Models.

    Args:
        outer: Filters that leave a block of the first stage; each further stage doubles them.
        groups: Number of groups.
        group_width: Filters of a group in the first stage; each further one doubles them.
    """

    def residual(make: Maker, x: tf.Tensor, stage: int, strides: int) -> tf.Tensor:
        inner = groups * group_width * 2**stage
        x = _convolution(make, x, inner, 1)
        x = keras.layers.ReLU()(x)
        x = _convolution(make, x, inner, 3, strides, groups)
        return _convolution(make, keras.layers.ReLU()(x), outer * 2**stage, 1)

    return residual


def _block(make: Maker, x: tf.Tensor, residual: Residual, stage: int, strides: int) -> tf.Tensor:
    """The sum of a residual and its shortcut."""
    added = residual(make, x, stage, strides)
    if strides > 1 or x.shape[-1] != added.shape[-1]:
        x = _convolution(make, x, added.shape[-1], 1, strides)
    return keras.layers.ReLU()(keras.layers.Add()([x, added]))


def _convolution(
    make: Maker, x: tf.Tensor, filters: int, size: int, strides: int = 1, groups: int = 1
) -> tf.Tensor:
    """A convolution and its norm."""
    if groups > 1:
        x = make.grouped_conv2d(filters, size, groups, strides, kernel_initializer=INITIALIZER)(x)
    else:
        x = make.conv2d(filters, size, strides, kernel_initializer=INITIALIZER)(x)
    return fast_batch_norm()(x)
