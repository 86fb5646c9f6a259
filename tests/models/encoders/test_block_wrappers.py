"""Recomputed blocks must have equal gradients in less memory; decayed blocks smaller gradients."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.checkpoints.mapping import variables_of
from asd_tf.models.encoders.beats import BeatsConfig
from asd_tf.models.encoders.block_wrappers import GradientDecay, Recomputed
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.build import build_encoder
from asd_tf.models.encoders.lora import LoraPlan, freeze_all_but_lora

SAMPLES = 4000
CONFIG = BeatsConfig(
    embed=16, depth=2, width=32, ffn=32, heads=2, conv_positions=4, conv_groups=2
)  # fmt: skip


@pytest.fixture(scope="module")
def wave():
    return np.random.default_rng(0).normal(size=(2, SAMPLES)).astype(np.float32)


def encoder(wrap=None, config=CONFIG, **parts):
    keras.utils.set_random_seed(0)
    parts |= {"wrap": wrap} if wrap else {}
    return build_encoder(config, SAMPLES, Parts(**parts))


def gradients(model, wave):
    """Returns outputs and gradients by name, of a step in a graph."""

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tokens = model(wave, training=True)
            loss = tf.reduce_mean(tokens**3)
        return tokens, tape.gradient(loss, model.trainable_variables)

    tokens, found = step()
    names = {id(variable): name for name, variable in variables_of(model).items()}
    return tokens.numpy(), {
        names[id(variable)]: gradient.numpy()
        for variable, gradient in zip(model.trainable_variables, found, strict=True)
    }


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, gradient in one.items():
        scale = np.abs(gradient).max() + 1e-12
        np.testing.assert_allclose(other[name] / scale, gradient / scale, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def plain(wave):
    return gradients(encoder(), wave)


@pytest.mark.parametrize("dropout", [pytest.param(0.0, marks=pytest.mark.slow), 0.3])
def test_recomputed_blocks_have_the_same_gradients(dropout, plain, wave):
    """Recomputation must change neither outputs nor gradients, with dropout too."""
    config = dataclasses.replace(CONFIG, dropout=dropout)
    tokens, expected = gradients(encoder(config=config), wave) if dropout else plain
    again, found = gradients(encoder(Recomputed, config=config), wave)
    np.testing.assert_allclose(again, tokens, atol=1e-6)
    assert "relative_bias/table" in found
    assert all(np.abs(gradient).max() > 0 for gradient in expected.values())
    assert_same(expected, found)


def test_recomputed_adapted_blocks_train_in_fit(wave):
    """Recomputation must keep frozen weights under `fit`."""
    plan = LoraPlan(alpha=4.0, rank=2)
    model = encoder(Recomputed, dataclasses.replace(CONFIG, depth=1), dense=plan.dense(1))
    freeze_all_but_lora(model)
    before = {name: variable.numpy() for name, variable in variables_of(model).items()}
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(wave, np.ones([2, *model.output_shape[1:]]), epochs=2, verbose=0)
    after = {name: variable.numpy() for name, variable in variables_of(model).items()}
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {f"layer_0_{kind}/lora_{one}" for kind in "qv" for one in "ab"}


def test_inner_values_are_not_kept_for_the_gradient():
    """Recomputation must save memory."""

    def kept(wrap):
        x = keras.Input([64, 32])
        y = keras.layers.Dense(2048, activation="gelu")(x)
        block = keras.Model([x], keras.layers.Dense(32)(y))
        model = wrap(block)

        @tf.function
        def forward(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(model([x], training=True))
            return tape.gradient(loss, x)

        graph = forward.get_concrete_function(tf.TensorSpec([1, 64, 32])).graph
        return sum(op.type == "MatMul" for op in graph.get_operations())

    # The first products of the block are in the graph once more.
    assert kept(Recomputed) >= kept(lambda block: block) + 1


def test_half_precision(plain, wave):
    """Recomputation must work in mixed precision."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        tokens, found = gradients(encoder(Recomputed), wave)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    np.testing.assert_allclose(tokens, plain[0], atol=3e-2)
    assert {gradient.dtype for gradient in found.values()} == {np.dtype("float32")}
    assert found.keys() == plain[1].keys()


def test_gradients_decay_from_block_to_block(plain, wave):
    """Gradients must get smaller towards the first layers by the ratio."""
    ratio = 0.5
    tokens, undecayed = plain
    same, decayed = gradients(encoder(functools.partial(GradientDecay, ratio=ratio)), wave)
    np.testing.assert_array_equal(tokens, same)
    for name, factor in (("layer_1_q/kernel", 1), ("layer_0_ffn1/kernel", ratio),
                         ("patch_projection/kernel", ratio**2)):  # fmt: skip
        np.testing.assert_allclose(decayed[name], factor * undecayed[name], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("wrap", [Recomputed, functools.partial(GradientDecay, ratio=0.6)])
def test_wrapped_networks_are_saved(wrap, wave, tmp_path):
    """A network with wrapped blocks must be saved and loaded."""
    model = encoder(wrap)
    model.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(loaded(wave), model(wave))
    kinds = [[type(x) for x in m.layers] for m in (loaded, model)]
    assert kinds[0] == kinds[1]
