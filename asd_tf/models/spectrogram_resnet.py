"""The spectrogram branch of Wilkinghoff 2023 (Section 2.2, Table 1)."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices, check_counts
from asd_tf.models.layers.factory import LayerFactory, batch_norm

GRAPHS = ("2024", "bn_on_trunk_2023")
STAGES = 4


def spectrogram_resnet(
    spectrogram: tf.Tensor,
    *,
    use_bias: bool = False,
    l2: float = 1e-5,
    graph: str = "2024",
    width: int = 16,
    dense: int = 128,
) -> tf.Tensor:
    """Adds the branch to a spectrogram.

    The first batch norm has a factor and an offset per bin, as in the published code (the table
    calls it temporal). The last pooling covers the whole time axis.

    Args:
        spectrogram: Keras tensor [batch, frames, bins], 311 x 513 for 10 s at 16 kHz.
        use_bias: Whether convolutions and dense layers have a bias.
        l2: Factor of the squared kernels in the loss, at least 0.
        graph: `2024`, or `bn_on_trunk_2023` for the published code before its correction in January
            2024: in its first residual block, the batch norm of the residual path was applied to
            the trunk. The results in the paper were obtained before the correction.
        width: Filters of the first stage; each of the other three doubles them.
        dense: Size of the embedding.

    Returns:
        Keras tensor: the embedding [batch, dense], float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_choices(GRAPHS, graph=graph)
    check_counts(width=width, dense=dense)
    make = LayerFactory(use_bias, l2)
    x = _stem(make, spectrogram, width)
    x = _first_block_2024(make, x, width) if graph == "2024" else _first_block_2023(make, x, width)
    x = _block(make, x, width, relu_first=True)
    for stage in range(1, STAGES):
        x = _halving_block(make, x, width * 2**stage)
        x = _block(make, x, width * 2**stage)
    x = keras.layers.MaxPooling2D([x.shape[1], 1], padding="same")(x)
    x = keras.layers.Flatten()(x)
    x = batch_norm()(x)
    return make.dense(dense, dtype="float32", name="spectrogram_embedding")(x)


def _stem(make, spectrogram, width):
    x = batch_norm()(spectrogram)
    x = keras.layers.Reshape([*x.shape[1:], 1], dtype="float32")(x)
    x = make.stem(width, 7)(x)
    x = batch_norm()(x)
    x = keras.layers.ReLU()(x)
    return keras.layers.MaxPooling2D(3, strides=2)(x)


# The published network has a ReLU before the first residual path too. It is left out: the input is
# the pooled output of the stem's ReLU, which another ReLU does not change.


def _first_block_2024(make, x, filters):
    """A residual block whose trunk is not normalized."""
    return keras.layers.Add()([x, _residual(make, x, filters)])


def _first_block_2023(make, x, filters):
    """The block before the correction: the residual path has no norm, the trunk has one."""
    residual = make.conv2d(filters, 3)(x)
    residual = keras.layers.ReLU()(residual)
    residual = make.conv2d(filters, 3)(residual)
    return keras.layers.Add()([batch_norm()(x), residual])


def _block(make, x, filters, relu_first=False):
    """A residual block with a batch norm on the trunk."""
    x = batch_norm()(x)
    residual = _residual(make, keras.layers.ReLU()(x), filters, relu_first=relu_first)
    return keras.layers.Add()([x, residual])


def _halving_block(make, x, filters):
    """A residual block that halves time and frequency, with a pooled shortcut."""
    x = batch_norm()(x)
    residual = _residual(make, keras.layers.ReLU()(x), filters, strides=2)
    shortcut = keras.layers.MaxPooling2D(2, padding="same")(x)
    return keras.layers.Add()([make.conv2d(filters, 1)(shortcut), residual])


def _residual(make, x, filters, strides=1, relu_first=False):
    """Two convolutions; in one block of the published network the ReLU precedes the norm."""
    x = make.conv2d(filters, 3, strides)(x)
    between = [batch_norm(), keras.layers.ReLU()]
    for layer in reversed(between) if relu_first else between:
        x = layer(x)
    return make.conv2d(filters, 3)(x)
