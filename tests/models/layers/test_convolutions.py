"""A rearranged convolution must compute what Keras' own computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.models.layers.convolutions import BlockConv1D, StemConv2D

STEM = {"filters": 4, "kernel_size": 7, "strides": 2, "padding": "same"}


def outputs_and_gradients(layer, inputs):
    """The output, and its gradients with respect to the input and to all weights."""
    inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
    upstream = tf.random.stateless_normal(outputs.shape, [1, 2])
    return [outputs, *tape.gradient(outputs, [inputs, *layer.trainable_weights], upstream)]


def assert_equal_layers(layer, keras_layer, inputs):
    layer.build(inputs.shape)
    keras_layer.build(inputs.shape)
    keras_layer.set_weights(layer.get_weights())
    found, expected = (outputs_and_gradients(x, inputs) for x in (layer, keras_layer))
    assert len(found) == len(expected)
    for value, true in zip(found, expected, strict=True):
        scale = np.abs(true).max()
        np.testing.assert_allclose(value / scale, true / scale, atol=2e-6)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("size", [(5, 6), (7, 8), (9, 13), (14, 17), (61, 64)])
@pytest.mark.parametrize("use_bias", [False, True])
def test_stem_equals_keras_in_value_and_gradients(size, use_bias):
    assert_equal_layers(
        StemConv2D(**STEM, use_bias=use_bias),
        keras.layers.Conv2D(**STEM, use_bias=use_bias),
        noise(2, *size, 1),
    )


@pytest.mark.parametrize(
    ("length", "channels", "size", "stride"),
    [(4000, 1, 256, 64), (256, 1, 256, 64), (63, 5, 64, 32), (2, 5, 16, 4), (1, 5, 16, 4)],
)
def test_blocks_equal_keras_in_value_and_gradients(length, channels, size, stride):
    options = {"filters": 3, "kernel_size": size, "strides": stride, "padding": "same"}
    options["activation"] = "relu"
    assert_equal_layers(
        BlockConv1D(**options), keras.layers.Conv1D(**options), noise(2, length, channels)
    )


def test_layers_are_saved_and_loaded(tmp_path):
    waveform = keras.Input([64, 1])
    x = BlockConv1D(8, 16, 4, padding="same")(waveform)
    x = StemConv2D(**STEM)(keras.layers.Reshape([16, 8, 1])(x))
    model = keras.Model(waveform, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]
    inputs = noise(3, 64, 1)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_what_they_cannot_compute_is_refused():
    with pytest.raises(ValueError, match="multiple of the stride"):
        BlockConv1D(4, 10, 4, padding="same").build([None, 64, 1])
    with pytest.raises(ValueError, match=r"channels.* got 2, \(2, 2\)"):
        StemConv2D(**STEM).build([None, 16, 16, 2])
    with pytest.raises(ValueError, match=r"strides .* got 1, \(1, 1\)"):
        StemConv2D(4, 7, strides=1, padding="same").build([None, 16, 16, 1])
