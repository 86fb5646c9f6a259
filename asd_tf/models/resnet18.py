"""ResNet18 (He et al., CVPR 2016, Table 1), which GeCo has as its feature extractor."""

import keras
import tensorflow as tf

from asd_tf.models.layers import Maker, fast_batch_norm

STAGES = 4

# Of He et al. (ICCV 2015).
_INITIALIZER = "he_normal"


def resnet18(
    log_mel: tf.Tensor, *, width: int = 64, embedding: int | None = None, l2: float = 0.0
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram, as an image of one channel.

    A convolution 7x7 with stride 2 and a maximum pooling 3x3 with stride 2, then four stages of two
    residual blocks, of which all but the first halve time and frequency, then the mean over both.
    No convolution has a bias, each is followed by a batch norm; shortcuts that change the size are
    convolutions 1x1 (He's option B). The GeCo paper says no more than "ResNet18": stem, width and
    embedding are He's, the momentum of the norms that of torchvision, padding is Keras' `same`.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 65 x 128 in GeCo.
        width: Filters of the stem and of the first stage; each of the other three doubles them.
        embedding: Size of a dense layer behind the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss. The weight decay of PyTorch's SGD is twice
            this factor: 5e-5 for the paper's 1e-4.

    Returns:
        Keras tensor: the embedding [batch, D], float32; D is `embedding`, or 8 x width (512).
    """
    make = Maker(use_bias=False, l2=l2)
    x = keras.layers.Reshape([*log_mel.shape[1:], 1])(log_mel)
    x = make.stem(width, 7, kernel_initializer=_INITIALIZER)(x)
    x = keras.layers.ReLU()(fast_batch_norm()(x))
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage in range(STAGES):
        filters = width * 2**stage
        x = _block(make, x, filters, strides=1 if stage == 0 else 2)
        x = _block(make, x, filters)
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


def _block(make: Maker, x: tf.Tensor, filters: int, strides: int = 1) -> tf.Tensor:
    """Two convolutions and a shortcut."""
    residual = _convolution(make, x, filters, 3, strides)
    residual = keras.layers.ReLU()(residual)
    residual = _convolution(make, residual, filters, 3)
    if strides > 1:
        x = _convolution(make, x, filters, 1, strides)
    return keras.layers.ReLU()(keras.layers.Add()([x, residual]))


def _convolution(make: Maker, x: tf.Tensor, filters: int, size: int, strides: int = 1) -> tf.Tensor:
    """A convolution and its norm."""
    x = make.conv2d(filters, size, strides, kernel_initializer=_INITIALIZER)(x)
    return fast_batch_norm()(x)
