"""The spectrum branch of Wilkinghoff 2023 (Section 2.2, Table 2)."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.layers.factory import LayerFactory, batch_norm

# Filter length and stride of the three convolutions. The second stride is 16 in the table, but 32
# in the published code; the sizes in the table, 1250 to 40, fit 32 only.
CONVOLUTIONS = ((256, 64), (64, 32), (16, 4))
HIDDEN_LAYERS = 4


def spectrum_cnn(
    spectrum: tf.Tensor, *, use_bias: bool = False, l2: float = 1e-5, dense: int = 128
) -> tf.Tensor:
    """Adds the branch to a magnitude spectrum.

    Args:
        spectrum: Keras tensor [batch, bins], 80,000 bins for 10 s at 16 kHz.
        use_bias: Whether convolutions and dense layers have a bias.
        l2: Factor of the squared kernels in the loss, at least 0.
        dense: Number of filters, and of units of each dense layer.

    Returns:
        Keras tensor: the embedding [batch, dense], float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_counts(dense=dense)
    make = LayerFactory(use_bias, l2)
    # Magnitudes reach 80,000, which is infinite in float16.
    x = keras.layers.Reshape([-1, 1], dtype="float32")(spectrum)
    for index, (size, stride) in enumerate(CONVOLUTIONS):
        dtype = "float32" if index == 0 else None
        x = make.conv1d(dense, size, stride, dtype=dtype)(x)
    x = keras.layers.Flatten()(x)
    for _ in range(HIDDEN_LAYERS):
        x = make.dense(dense)(x)
        x = batch_norm()(x)
        x = keras.layers.ReLU()(x)
    return make.dense(dense, dtype="float32", name="spectrum_embedding")(x)
