"""The layers that networks are made of, with what the recipe says of all of them."""

import dataclasses

import keras

from asd_tf.models.convolutions import BlockConv1D, StemConv2D
from asd_tf.models.grouped_convolution import GroupedConv2D


@dataclasses.dataclass(frozen=True)
class Maker:
    """Makes convolutions, dense layers and batch norms that agree in bias and regularisation.

    Args:
        use_bias: Whether convolutions and dense layers have a bias (Table 3).
        l2: Factor of the squared kernels in the loss.
    """

    use_bias: bool = False
    l2: float = 1e-5

    def stem(self, filters: int, size: int, **kwargs) -> keras.layers.Layer:
        """Makes a square convolution of one channel with stride 2 and padding `same`."""
        return StemConv2D(filters, size, strides=2, padding="same", **self._shared(), **kwargs)

    def conv2d(self, filters: int, size: int, strides: int = 1, **kwargs) -> keras.layers.Layer:
        """Makes a square convolution with padding `same`."""
        return keras.layers.Conv2D(
            filters, size, strides, padding="same", **self._shared(), **kwargs
        )

    def grouped_conv2d(
        self, filters: int, size: int, groups: int, strides: int = 1, **kwargs
    ) -> keras.layers.Layer:
        """Makes a square convolution in groups with padding `same`."""
        return GroupedConv2D(
            filters, size, strides, padding="same", groups=groups, **self._shared(), **kwargs
        )

    def conv1d(self, filters: int, size: int, strides: int, **kwargs) -> keras.layers.Layer:
        """Makes a convolution with padding `same`, followed by a ReLU."""
        return BlockConv1D(
            filters, size, strides, padding="same", activation="relu", **self._shared(), **kwargs
        )

    def dense(self, units: int, **kwargs) -> keras.layers.Layer:
        """Makes a linear dense layer."""
        return keras.layers.Dense(units, **self._shared(), **kwargs)

    def _shared(self):
        return {
            "use_bias": self.use_bias,
            "kernel_regularizer": keras.regularizers.L2(self.l2) if self.l2 else None,
        }


def batch_norm(name: str | None = None) -> keras.layers.Layer:
    """Makes a batch norm over the last axis, which stays float32 under mixed precision."""
    return keras.layers.BatchNormalization(dtype="float32", name=name)


def fast_batch_norm(name: str | None = None) -> keras.layers.Layer:
    """Makes a batch norm with PyTorch's constants, whose statistics follow ten times as fast."""
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype="float32", name=name)
