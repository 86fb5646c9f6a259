"""MobileFaceNet (Chen et al., CCBR 2018) in the form of STgram-MFN (Liu et al., ICASSP 2022)."""

from typing import NamedTuple

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.layers.factory import fast_batch_norm


class Blocks(NamedTuple):
    """A row of Table 1 of MobileFaceNet.

    Attributes:
        expansion: Channels inside a block, as a multiple of those of its input.
        channels: Channels of the output, as a multiple of the width.
        count: Number of blocks.
        strides: Strides of the first block; the others have 1.
    """

    expansion: int
    channels: int
    count: int
    strides: int


BLOCKS = (
    Blocks(2, 1, 5, 2),
    Blocks(4, 2, 1, 2),
    Blocks(2, 2, 6, 1),
    Blocks(4, 2, 1, 2),
    Blocks(2, 2, 2, 1),
)


def mobile_face_net(images: tf.Tensor, *, width: int = 64, embedding: int = 128) -> tf.Tensor:
    """Adds the network to images.

    Inverted residual blocks with depthwise convolutions. The last feature map is not averaged but
    weighted by a depthwise convolution over the whole map. Convolutions have no bias. Batch norms,
    PReLUs and padding are those of the published code (liuyoude/STgram-MFN): one value on either
    side, which differs from Keras' `same` for an even size and stride 2.

    Args:
        images: Keras tensor [batch, rows, columns, channels].
        width: Filters of the first convolution; the one before the last has eight times as many.
        embedding: Size of the embedding.

    Returns:
        Keras tensor: the embedding [batch, embedding], float32.

    Raises:
        ValueError: If a size is not a positive integer.
    """
    check_counts(width=width, embedding=embedding)
    x = _activated(_convolution(images, width, 3, strides=2))
    x = _activated(_depthwise(x, 3))
    for blocks in BLOCKS:
        for index in range(blocks.count):
            strides = blocks.strides if index == 0 else 1
            x = _block(x, blocks.expansion, blocks.channels * width, strides)
    x = _activated(_convolution(x, 8 * width, 1))
    x = _depthwise(x, x.shape[1:3], padding="valid")
    x = _convolution(x, embedding, 1)
    return keras.layers.Flatten(dtype="float32", name="embedding")(x)


def _block(x: tf.Tensor, expansion: int, channels: int, strides: int) -> tf.Tensor:
    """An inverted residual block: widened, filtered channel by channel, narrowed."""
    inputs = x
    x = _activated(_convolution(x, expansion * x.shape[-1], 1))
    x = _activated(_depthwise(x, 3, strides))
    x = _convolution(x, channels, 1)
    if strides == 1 and inputs.shape[-1] == channels:
        return keras.layers.Add()([inputs, x])
    return x


def _convolution(x: tf.Tensor, filters: int, size: int, strides: int = 1) -> tf.Tensor:
    """A convolution and its norm."""
    if strides > 1:
        x = keras.layers.ZeroPadding2D(1)(x)
    convolution = keras.layers.Conv2D(
        filters,
        size,
        strides,
        padding="valid" if strides > 1 else "same",
        use_bias=False,
        kernel_initializer=_initializer("fan_out"),
    )
    return fast_batch_norm()(convolution(x))


def _depthwise(x: tf.Tensor, size, strides: int = 1, padding: str = "same") -> tf.Tensor:
    """A depthwise convolution and its norm."""
    if strides > 1:
        x, padding = keras.layers.ZeroPadding2D(1)(x), "valid"
    convolution = keras.layers.DepthwiseConv2D(
        size,
        strides,
        padding=padding,
        use_bias=False,
        depthwise_initializer=_initializer("fan_in"),
    )
    return fast_batch_norm()(convolution(x))


def _activated(x: tf.Tensor) -> tf.Tensor:
    """A PReLU with a slope for each channel."""
    return keras.layers.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2])(x)


def _initializer(mode: str) -> keras.initializers.Initializer:
    """Normal with variance 2 / (kernel size x output channels), as published.

    For a depthwise kernel that product is what Keras calls `fan_in`.
    """
    return keras.initializers.VarianceScaling(2.0, mode, "untruncated_normal")
