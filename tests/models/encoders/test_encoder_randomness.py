"""Dropout and layer drop must differ in each step, and repeat after a resume."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.checkpoints.mapping import variables_of
from asd_tf.models.encoders.beats import BeatsConfig
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.build import build_encoder
from asd_tf.models.layers.stateless_dropout import LayerDrop, SeededDropout

SAMPLES = 4000
CONFIG = BeatsConfig(
    embed=16, depth=2, width=32, ffn=32, heads=2, conv_positions=4, conv_groups=2
)  # fmt: skip


@pytest.fixture(scope="module")
def wave():
    return tf.constant(np.random.default_rng(0).normal(size=(2, SAMPLES)), tf.float32)


def steps_of(model, wave, count):
    """Runs training steps in one graph, as fit does."""
    step = tf.function(lambda: model(wave, training=True))
    return [step().numpy() for _ in range(count)]


@pytest.mark.parametrize("rate", ["layer_drop", "dropout", "attention_dropout",
                                  "activation_dropout", "input_dropout"])  # fmt: skip
def test_each_step_draws_anew_and_scoring_never(rate, wave):
    """Each step must draw anew, not once when the graph is traced."""
    model = build_encoder(dataclasses.replace(CONFIG, **{rate: 0.5}), SAMPLES)
    steps = steps_of(model, wave, 8)
    assert len({step.tobytes() for step in steps}) > 2
    scored = model(wave, training=False).numpy()
    np.testing.assert_array_equal(scored, model(wave, training=False).numpy())


def test_a_resumed_run_draws_as_an_uninterrupted_one(wave, tmp_path):
    """The count of steps must be part of the checkpoint."""
    config = dataclasses.replace(CONFIG, layer_drop=0.3, dropout=0.3, attention_dropout=0.3)
    model = build_encoder(config, SAMPLES, Parts(seed=3))
    steps_of(model, wave, 2)
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
    expected = steps_of(model, wave, 2)
    resumed = build_encoder(config, SAMPLES, Parts(seed=3))
    tf.train.Checkpoint(model=resumed).read(path).assert_consumed()
    np.testing.assert_array_equal(steps_of(resumed, wave, 2), expected)
    other = build_encoder(config, SAMPLES, Parts(seed=4))
    other.set_weights(model.get_weights())
    tf.train.Checkpoint(model=other).read(path).assert_consumed()
    assert not np.array_equal(steps_of(other, wave, 2), expected)


def test_layers_are_dropped_as_often_as_said(wave):
    seed, inputs = keras.Input([], batch_size=2, dtype="int64"), keras.Input([1])
    drop = LayerDrop(0.25, name="drop")([inputs, inputs + 1, seed])
    model = keras.Model([inputs, seed], drop)
    run = tf.function(lambda step: model([tf.zeros([1, 1]), tf.stack([7, step])], training=True))
    kept = np.mean([run(tf.constant(step, tf.int64)).numpy() for step in range(400)])
    assert 0.68 < kept < 0.82


def test_dropout_keeps_the_mean_and_layers_draw_apart():
    """Dropouts of different names must draw different masks."""
    x = tf.ones([1, 10000])
    seed = tf.constant([0, 0], tf.int64)
    one, two = (SeededDropout(0.4, name=name)([x, seed], training=True) for name in "ab")
    np.testing.assert_allclose(np.mean(one), 1, atol=0.03)
    np.testing.assert_allclose(np.mean(one == 0), 0.4, atol=0.02)
    np.testing.assert_allclose(np.mean((one == 0) & (two == 0)), 0.16, atol=0.02)


def test_parts_are_put_in_place_of_dense_layers_and_blocks(wave):
    """The parts of an encoder must be replaceable: LoRA, wrappers, SpecAugment."""
    made, wrapped, augmented = [], [], []

    def dense(units, *, name, kind, layer, **kwargs):
        made.append((layer, kind))
        return keras.layers.Dense(units, name=name, **kwargs)

    def wrap(block):
        wrapped.append(block.name)
        return block

    def augment(features):
        augmented.append(tuple(features.shape))
        return features * 0

    model = build_encoder(CONFIG, SAMPLES, Parts(dense, wrap, augment))
    kinds = ("q", "k", "v", "out", "ffn1", "ffn2")
    assert sorted(made) == sorted((layer, kind) for layer in range(2) for kind in kinds)
    assert wrapped == ["layer_0", "layer_1"]
    assert augmented == [(None, 23, 128)]
    assert {f"layer_1_{kind}/kernel" for kind in kinds} < variables_of(model).keys()
    np.testing.assert_allclose(*np.split(model(wave).numpy(), 2), atol=1e-6)


def test_every_weight_gets_a_gradient(wave):
    """Every weight must have a gradient."""
    model = build_encoder(CONFIG, SAMPLES)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(wave, training=True) ** 3)
    for variable, slope in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
    ):
        assert np.abs(tf.convert_to_tensor(slope)).max() > 0, variable.name
