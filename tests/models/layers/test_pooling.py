"""Pooling of tokens must follow its formulas."""

import keras
import numpy as np
import pytest

from asd_tf.models.layers.pooling import pool_tokens


@pytest.fixture
def tokens():
    return (5 + np.random.default_rng(0).normal(size=(3, 7, 6))).astype(np.float32)


def network(how, hidden=4):
    keras.utils.set_random_seed(0)
    inputs = keras.Input([7, 6])
    return keras.Model(inputs, pool_tokens(inputs, how, hidden))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_the_mean(tokens):
    """Mean pooling must be the mean over the tokens."""
    np.testing.assert_allclose(network("mean")(tokens), tokens.mean(axis=1), rtol=1e-6)


def test_attentive_statistics(tokens):
    """Attentive statistics must be the published ones."""
    model = network("attentive_statistics")
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    logits = model.get_layer("attention_logits")
    logits.kernel.assign(random.normal(0, 3, logits.kernel.shape))
    model.get_layer("attention_norm").moving_mean.assign([5.0, 25.0, 40.0, 25.0])
    (k1, b1), (k2, b2) = (
        [w.numpy().astype(np.float64) for w in model.get_layer(name).weights]
        for name in ("attention_hidden", "attention_logits")
    )
    gamma, beta, mean, variance = (w.numpy() for w in model.get_layer("attention_norm").weights)
    x = tokens.astype(np.float64)
    context = np.concatenate([x.mean(1), x.std(1)], axis=-1)[:, None].repeat(7, axis=1)
    hidden = np.maximum(np.concatenate([x, context], axis=-1) @ k1 + b1, 0)
    hidden = np.tanh(gamma * (hidden - mean) / np.sqrt(variance + 1e-5) + beta)
    weights = softmax(hidden @ k2 + b2)
    assert weights.std(axis=1).max() > 0.01
    center = (weights * x).sum(axis=1)
    spread = np.sqrt((weights * (x - center[:, None]) ** 2).sum(axis=1))
    found = model(tokens).numpy()
    np.testing.assert_allclose(found, np.concatenate([center, spread], axis=1), rtol=1e-5)


def test_equal_tokens_have_a_finite_gradient():
    """Gradients must be finite if all tokens are equal."""
    model = network("attentive_statistics")
    model.compile("sgd", "mse")
    model.fit(np.ones([2, 7, 6]), np.zeros([2, 12]), verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_half_precision_pools_in_single(tokens):
    """Statistics must be float32 under mixed precision."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = network("attentive_statistics")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    full = network("attentive_statistics")
    full.set_weights(half.get_weights())
    assert half(tokens).dtype == "float32"
    np.testing.assert_allclose(half(tokens), full(tokens), atol=5e-3)


def test_other_poolings_are_refused():
    """An unknown pooling must be refused."""
    with pytest.raises(ValueError, match="one of mean, attentive_statistics, got"):
        network("attentive")
