"""ResNet18 and ResNet34 (He et al., CVPR 2016) and ResNeXt50 (Xie et al., CVPR 2017)."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.layers.factory import LayerFactory, fast_batch_norm

# From the layer factory, the input, the index of the stage from 0, and the stride to the residual.
Residual = Callable[[LayerFactory, tf.Tensor, int, int], tf.Tensor]

# He et al. (ICCV 2015).
INITIALIZER = "he_normal"

# Blocks in each stage (Table 1 of both papers).
RESNET18_BLOCKS = (2, 2, 2, 2)
RESNET34_BLOCKS = (3, 4, 6, 3)
RESNEXT50_BLOCKS = (3, 4, 6, 3)
# Output filters of ResNeXt50's first stage, as a multiple of the stem's filters.
RESNEXT50_EXPANSION = 4


def resnet18(
    log_mel: tf.Tensor, *, width: int = 64, embedding: int | None = None, l2: float = 0.0
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram, see `residual_network`.

    The GeCo paper says no more than "ResNet18"; stem, width and embedding are those of He et al.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 65 x 128 in GeCo.
        width: Filters of the stem and of the first stage; each of the other three doubles them.
        embedding: Size of a dense layer after the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss. The weight decay of PyTorch's SGD is twice
            this factor: 5e-5 for the paper's 1e-4.

    Returns:
        Keras tensor: the embedding [batch, D], float32; D is `embedding`, or 8 x width (512).
    """
    return residual_network(
        log_mel, basic(width), blocks=RESNET18_BLOCKS, width=width, embedding=embedding, l2=l2
    )


def resnet34(
    log_mel: tf.Tensor,
    *,
    width: int = 64,
    blocks: Sequence[int] = RESNET34_BLOCKS,
    embedding: int | None = None,
    l2: float = 0.0,
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram, see `residual_network`.

    Kuroyanagi et al. (2021, Section 4.1) state ResNet34 and the size of its input; stem, width and
    embedding are those of He et al., with one input channel instead of three colors.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 256 x 256 in the paper.
        width: Filters of the stem and of the first stage; each of the other three doubles them.
        blocks: Number of blocks in each stage; only the default is the published network.
        embedding: Size of a dense layer after the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss.

    Returns:
        Keras tensor: the embedding [batch, D], float32; D is `embedding`, or 8 x width (512).
    """
    return residual_network(
        log_mel, basic(width), blocks=blocks, width=width, embedding=embedding, l2=l2
    )


def resnext50(
    log_mel: tf.Tensor,
    *,
    width: int = 64,
    blocks: Sequence[int] = RESNEXT50_BLOCKS,
    groups: int = 32,
    group_width: int = 4,
    embedding: int | None = None,
    l2: float = 0.0,
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram, see `residual_network`.

    Kuroyanagi et al. (2021, Section 3.2) use ResNeXt50 in their ensemble. 32 groups of 4 filters
    are the smallest ResNeXt50 in PyTorch Image Models, which they use.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 256 x 256 in the paper.
        width: Filters of the stem; the first stage has four times as many output filters, and each
            of the other three doubles them.
        blocks: Number of blocks in each stage; only the default is the published network.
        groups: Number of groups.
        group_width: Filters of a group in the first stage; each of the other three doubles them.
        embedding: Size of a dense layer after the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss.

    Returns:
        Keras tensor: the embedding [batch, D], float32; D is `embedding`, or 32 x width (2,048).
    """
    return residual_network(
        log_mel,
        grouped_bottleneck(RESNEXT50_EXPANSION * width, groups, group_width),
        blocks=blocks,
        width=width,
        embedding=embedding,
        l2=l2,
    )


def residual_network(
    log_mel: tf.Tensor,
    residual: Residual,
    *,
    blocks: Sequence[int],
    width: int,
    embedding: int | None,
    l2: float,
) -> tf.Tensor:
    """Adds a residual network to a log-mel spectrogram, an image with one channel.

    A 7x7 convolution with stride 2 and a 3x3 max pooling with stride 2; then stages of residual
    blocks, of which all but the first halve time and frequency; then the mean over both.
    Convolutions have no bias and are followed by a batch norm. Shortcuts that change the shape are
    1x1 convolutions (option B of He et al.). The momentum of the norms is that of torchvision,
    padding is Keras' `same`.

    Args:
        log_mel: Keras tensor [batch, frames, bands].
        residual: Adds the residual path of a block, see `basic` and `grouped_bottleneck`.
        blocks: Number of blocks in each stage.
        width: Filters of the stem.
        embedding: Size of a dense layer after the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss, at least 0. The weight decay of PyTorch's SGD
            is twice this factor.

    Returns:
        Keras tensor: the embedding [batch, D], float32.

    Raises:
        ValueError: If a size is not a positive integer, or `l2` is negative.
    """
    check_counts(width=width, **{f"blocks[{i}]": count for i, count in enumerate(blocks)})
    if embedding is not None:
        check_counts(embedding=embedding)
    make = LayerFactory(use_bias=False, l2=l2)
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
    """Returns the residual path of two 3x3 convolutions.

    Args:
        width: Filters in the first stage; each further stage doubles them.
    """
    check_counts(width=width)

    def residual(make: LayerFactory, x: tf.Tensor, stage: int, strides: int) -> tf.Tensor:
        filters = width * 2**stage
        x = _convolution(make, x, filters, 3, strides)
        return _convolution(make, keras.layers.ReLU()(x), filters, 3)

    return residual


def grouped_bottleneck(outer: int, groups: int, group_width: int) -> Residual:
    """Returns the residual path of a grouped 3x3 convolution between two 1x1 convolutions.

    The grouped convolution has the stride, as in torchvision and PyTorch Image Models.

    Args:
        outer: Output filters of a block in the first stage; each further stage doubles them.
        groups: Number of groups.
        group_width: Filters of a group in the first stage; each further stage doubles them.
    """
    check_counts(outer=outer, groups=groups, group_width=group_width)

    def residual(make: LayerFactory, x: tf.Tensor, stage: int, strides: int) -> tf.Tensor:
        inner = groups * group_width * 2**stage
        x = _convolution(make, x, inner, 1)
        x = keras.layers.ReLU()(x)
        x = _convolution(make, x, inner, 3, strides, groups)
        return _convolution(make, keras.layers.ReLU()(x), outer * 2**stage, 1)

    return residual


def _block(
    make: LayerFactory, x: tf.Tensor, residual: Residual, stage: int, strides: int
) -> tf.Tensor:
    """The sum of residual path and shortcut, and a ReLU."""
    added = residual(make, x, stage, strides)
    if strides > 1 or x.shape[-1] != added.shape[-1]:
        x = _convolution(make, x, added.shape[-1], 1, strides)
    return keras.layers.ReLU()(keras.layers.Add()([x, added]))


def _convolution(
    make: LayerFactory, x: tf.Tensor, filters: int, size: int, strides: int = 1, groups: int = 1
) -> tf.Tensor:
    """A convolution and its norm."""
    if groups > 1:
        x = make.grouped_conv2d(filters, size, groups, strides, kernel_initializer=INITIALIZER)(x)
    else:
        x = make.conv2d(filters, size, strides, kernel_initializer=INITIALIZER)(x)
    return fast_batch_norm()(x)
