"""Dropout of low-rank matrices inside an encoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.models.encoders.block_wrappers import Recomputed
from asd_tf.models.encoders.blocks import Parts, identity
from asd_tf.models.encoders.build import FAMILIES, build_encoder
from asd_tf.models.encoders.lora import LoraPlan, freeze_all_but_lora, lora_layers

SAMPLES = {"beats": 4000, "ced": 16000, "wav2vec2": 4000, "whisper": 4000}


def adapted(kind, wrap=identity):
    plan = LoraPlan(alpha=8.0, rank=4, dropout=0.5)
    keras.utils.set_random_seed(0)
    config = FAMILIES[kind].sizes["tiny"]
    parts = Parts(dense=plan.dense(config.depth), dense_dropout=plan.dropout, wrap=wrap, seed=3)
    encoder = build_encoder(config, SAMPLES[kind], parts)
    freeze_all_but_lora(encoder)
    for layer in lora_layers(encoder):
        layer.lora_b.assign(tf.random.stateless_normal(layer.lora_b.shape, [0, 1]))
    return encoder


def steps_of(encoder, wave, count=2):
    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(encoder(wave, training=True) ** 3)
        return tape.gradient(loss, encoder.trainable_variables)

    return [[gradient.numpy() for gradient in step()] for _ in range(count)]


@pytest.mark.parametrize("kind", ["beats", "whisper"])
def test_each_step_draws_anew_and_recomputation_the_same(kind):
    """Steps must drop different values, and a recomputed step the same ones."""
    wave = np.random.default_rng(0).normal(size=(2, SAMPLES[kind])).astype(np.float32)
    encoder = adapted(kind)
    first, second = steps_of(encoder, wave)
    assert not np.allclose(first[0], second[0])
    for one, other in zip(first, steps_of(adapted(kind, Recomputed), wave)[0], strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4 * np.abs(one).max())
    np.testing.assert_array_equal(encoder(wave), encoder(wave))
