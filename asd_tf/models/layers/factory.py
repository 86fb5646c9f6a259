"""Convolutions, dense layers and batch norms with the settings that a network's layers share."""

import dataclasses

import keras

from asd_tf.arguments import check_at_least
from asd_tf.models.layers.convolutions import BlockConv1D, GroupedConv2D, StemConv2D


@dataclasses.dataclass(frozen=True)
class LayerFactory:
    """Makes convolutions and dense layers that share bias and regularization.

    Args:
        use_bias: Whether convolutions and dense layers have a bias.
        l2: Factor of the squared kernels in the loss, at least 0.

    Raises:
        ValueError: If `l2` is negative.
    """

    use_bias: bool = False
    l2: float = 1e-5

    def __post_init__(self):
        check_at_least(0, l2=self.l2)

    def stem(self, filters: int, size: int, **kwargs) -> keras.layers.Layer:
        """Makes a square convolution on one channel with stride 2 and padding `same`."""
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
        """Makes a convolution with padding `same` and a ReLU."""
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
    """Makes a batch norm over the last axis, float32 under every precision policy."""
    return keras.layers.BatchNormalization(dtype="float32", name=name)


def fast_batch_norm(name: str | None = None) -> keras.layers.Layer:
    """Makes a batch norm with PyTorch's momentum and epsilon, float32 under every policy."""
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype="float32", name=name)
