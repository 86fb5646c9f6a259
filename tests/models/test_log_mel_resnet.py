"""The network of Asai 2021 must have the layers of its Table 1."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import after

from asd_tf.models.log_mel_resnet import log_mel_resnet

# After each row of Table 1, for an input of 313 x 128.
TABLE_1 = {
    "stem_norm": (157, 64, 16),
    "stage_1_b_norm_2": (79, 32, 16),
    "stage_2_b_norm_2": (40, 16, 32),
    "stage_3_b_norm_2": (20, 8, 64),
    "stage_4_b_norm_2": (10, 4, 128),
    "pool": (1, 4, 128),
    "flat": (512,),
    "embedding": (128,),
}


def network(frames=313, **kwargs):
    log_mel = keras.Input([frames, 128])
    return keras.Model(log_mel, log_mel_resnet(log_mel, **kwargs))


@pytest.fixture(scope="module")
def model():
    return network()


def test_the_sizes_of_table_1(model):
    found = {name: tuple(model.get_layer(name).output.shape[1:]) for name in TABLE_1}
    assert found == TABLE_1


def test_the_weights_are_those_of_the_layers_of_table_1(model):
    """The number of parameters must be that of the published network."""

    def convolution(size, inputs, filters):
        return size * size * inputs * filters + filters

    expected = convolution(7, 1, 16) + 2 * 16
    for inputs, filters in ((16, 16), (16, 32), (32, 64), (64, 128)):
        expected += convolution(3, inputs, filters) + 3 * convolution(3, filters, filters)
        expected += 4 * 2 * filters
        if inputs != filters:
            expected += convolution(1, inputs, filters)
    expected += 512 * 128 + 128
    assert sum(int(tf.size(weight)) for weight in model.trainable_weights) == expected


def test_each_convolution_is_followed_by_a_leaky_relu_or_a_sum(model):
    """Order and slope are those of the published code: convolution, leaky ReLU, norm."""
    leaky = [layer for layer in model.layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert len(leaky) == 1 + 4 * 2 * 2
    assert {round(float(-layer(tf.constant([-1.0]))[0]), 6) for layer in leaky} == {0.1}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            (follower,) = after(model, layer)
            assert isinstance(follower, (keras.layers.LeakyReLU, keras.layers.Add))


@pytest.mark.parametrize("frames", [10, 63, 600])
def test_clips_of_other_lengths_have_an_embedding_of_the_same_size(frames):
    small = network(frames, width=4, dense=8)
    values = np.random.default_rng(0).normal(size=[2, frames, 128]).astype(np.float32)
    assert small(values).shape == (2, 8)
    assert small.get_layer("flat").output.shape == (None, 4 * 32)
