"""The fast network must compute the function of the published one."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.models.dual_branch import embedding_model

SAMPLES = 8000


@pytest.fixture(scope="module")
def published():
    path = Path(__file__).parents[2] / "benchmarks" / "published_network.py"
    spec = importlib.util.spec_from_file_location("published_network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def weights_by_shape(model):
    """The weights of a branch: those of one shape stand in the order of the way through it."""
    found = {}
    for layer in model.layers:
        if layer.weights:
            found.setdefault(tuple(tuple(w.shape) for w in layer.weights), []).append(layer.weights)
    return found


def same_weights(model, reference):
    """Draws all weights of `reference` anew, copies them, and returns the pairs."""
    ours, theirs = weights_by_shape(model), weights_by_shape(reference)
    assert {k: len(v) for k, v in ours.items()} == {k: len(v) for k, v in theirs.items()}
    rng, pairs = np.random.default_rng(0), []
    for shapes, layers in ours.items():
        for layer, other in zip(layers, theirs[shapes], strict=True):
            for weight, counterpart in zip(layer, other, strict=True):
                value = counterpart.numpy()
                if len(shapes) > 1:  # a batch norm, which would start as ones and zeros
                    value = rng.uniform(0.5, 1.5, value.shape)
                counterpart.assign(value)
                weight.assign(value)
                pairs.append((weight, counterpart))
    return pairs


@pytest.mark.parametrize("branch", ["spectrum", "spectrogram"])
def test_branch_equals_the_published_formulation(published, branch):
    keras.utils.set_random_seed(0)
    entry = keras.Input([SAMPLES, 1])
    reference = keras.Model(entry, getattr(published, f"{branch}_branch")(entry))
    model = embedding_model(SAMPLES, branches=branch)
    pairs = same_weights(model, reference)
    waveform = tf.random.stateless_normal([6, SAMPLES], [1, 2])
    np.testing.assert_allclose(
        model(waveform), reference(waveform[..., tf.newaxis]), rtol=1e-3, atol=1e-4
    )
    upstream = tf.random.stateless_normal([6, 128], [3, 4])
    with tf.GradientTape(persistent=True) as tape:
        ours = model(waveform, training=True)
        theirs = reference(waveform[..., tf.newaxis], training=True)
        losses = [tf.reduce_sum(upstream * embedding) for embedding in (ours, theirs)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
    for weight, counterpart in pairs:
        if weight.trainable:
            found, expected = (
                tape.gradient(losses[0], weight),
                tape.gradient(losses[1], counterpart),
            )
        else:
            found, expected = weight, counterpart  # the moving statistics
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found / scale, expected / scale, atol=1e-3)
