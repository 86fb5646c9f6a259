"""Convolutions that are faster on a CPU than Keras' own.

Weights, shapes and results are those of the base classes, up to rounding. The computation is
rearranged to have many channels, since the library is several times as slow with few channels.
"""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class BlockConv1D(keras.layers.Conv1D):
    """Conv1D with padding `same` and a kernel size that is a multiple of the stride.

    The input is cut into blocks of one stride, whose values become channels: a kernel of 256 with
    stride 64 on one channel becomes a kernel of 4 with stride 1 on 64 channels.

    Raises:
        ValueError: If kernel size, stride or padding are different.
    """

    def build(self, input_shape):
        """Creates the weights."""
        if self.padding != "same":
            raise ValueError(f"padding must be same, got {self.padding}")
        if self.kernel_size[0] % self.strides[0]:
            raise ValueError(
                f"kernel_size must be a multiple of the stride {self.strides[0]}, "
                f"got {self.kernel_size[0]}"
            )
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        """Convolves the blocks."""
        (stride,), (size,), (_, length, channels) = self.strides, self.kernel_size, inputs.shape
        left, frames = _same_padding(length, size, stride)
        taps = size // stride
        blocks = frames + taps - 1
        padded = tf.pad(inputs, [[0, 0], [left, blocks * stride - left - length], [0, 0]])
        return tf.nn.conv1d(
            tf.reshape(padded, [-1, blocks, stride * channels]),
            tf.reshape(kernel, [taps, stride * channels, -1]),
            stride=1,
            padding="VALID",
        )


@keras.saving.register_keras_serializable(package="asd_tf")
class StemConv2D(keras.layers.Conv2D):
    """Conv2D of one channel with stride 2 and padding `same`.

    The gradient with respect to the input is computed in blocks of 4 x 4 values, as a convolution
    of the output's gradient with 16 output channels.

    Raises:
        ValueError: If channels, strides or padding are different.
    """

    def build(self, input_shape):
        """Creates the weights."""
        if (input_shape[-1], self.strides, self.padding) != (1, (2, 2), "same"):
            raise ValueError(
                "channels, strides and padding must be 1, (2, 2) and same, got "
                f"{input_shape[-1]}, {self.strides} and {self.padding}"
            )
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        """Convolves, with a custom gradient."""

        @tf.custom_gradient
        def convolve(inputs, kernel):
            outputs = tf.nn.conv2d(inputs, kernel, 2, "SAME")

            def gradient(upstream):
                return (
                    _input_gradient(upstream, kernel, inputs.shape),
                    tf.raw_ops.Conv2DBackpropFilter(
                        input=inputs,
                        filter_sizes=kernel.shape,
                        out_backprop=upstream,
                        strides=[1, 2, 2, 1],
                        padding="SAME",
                    ),
                )

            return outputs, gradient

        return convolve(inputs, tf.convert_to_tensor(kernel))


@keras.saving.register_keras_serializable(package="asd_tf")
class GroupedConv2D(keras.layers.Conv2D):
    """Conv2D with `groups`, computed group by group.

    Weights, shapes and results are those of Conv2D. Conv2D itself compiles a grouped convolution
    with XLA, on a CPU and wherever an exported network is loaded. One variable holds the kernels of
    all groups.
    """

    def call(self, inputs):
        """Convolves each group with its part of the kernel."""
        parts = zip(
            tf.split(inputs, self.groups, axis=-1),
            tf.split(self.kernel, self.groups, axis=-1),
            strict=True,
        )
        # On a CPU three to twenty times as fast as one kernel padded with zeros.
        outputs = tf.concat([self.convolution_op(*part) for part in parts], axis=-1)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


# Input values in a block, along each axis.
BLOCK = 4


def _input_gradient(upstream: tf.Tensor, kernel: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """Computes the gradient of a convolution with stride 2 with respect to its input.

    Input value 4u + a has the weight kernel[a + padding - 2d] in output 2u + d. So block u is a
    convolution of the outputs around 2u, with one output channel for each of its values a.
    """
    blocks, paddings = [], [[0, 0]]
    # The last row and column are zeros, for outputs to which a value does not contribute.
    kernel = tf.pad(kernel[:, :, 0], [[0, 1], [0, 1], [0, 0]])
    for axis in (0, 1):
        length, size = shape[axis + 1], kernel.shape[2 * axis] - 1
        left, outputs = _same_padding(length, size, 2)
        offsets = np.arange(-((size - 1 - left) // 2), (BLOCK - 1 + left) // 2 + 1)
        index = np.arange(BLOCK) + left - 2 * offsets[:, np.newaxis]
        index = np.where((index >= 0) & (index < size), index, size)
        kernel = tf.gather(kernel, index, axis=2 * axis)
        blocks.append(-(-length // BLOCK))
        covered = 2 * (blocks[-1] - 1) + len(offsets)
        paddings.append([-offsets[0], covered - outputs + offsets[0]])
    kernel = tf.transpose(kernel, [0, 2, 4, 1, 3])
    kernel = tf.reshape(kernel, [*kernel.shape[:3], BLOCK * BLOCK])
    by_block = tf.nn.conv2d(upstream, kernel, 2, [*paddings, [0, 0]])
    rows, columns = blocks
    # The same as depth_to_space, three times as fast.
    values = tf.reshape(by_block, [-1, rows, columns, BLOCK, BLOCK])
    values = tf.transpose(values, [0, 1, 3, 2, 4])
    values = tf.reshape(values, [-1, rows * BLOCK, columns * BLOCK, 1])
    return values[:, : shape[1], : shape[2]]


def _same_padding(length: int, size: int, stride: int) -> tuple[int, int]:
    """Returns the left padding of `same`, and the length of the output."""
    outputs = -(-length // stride)
    return max((outputs - 1) * stride + size - length, 0) // 2, outputs
