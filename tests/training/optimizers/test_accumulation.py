"""Accumulated gradients must be those of a larger batch, also after an interruption."""

import keras
import numpy as np
import pytest

from asd_tf.training.optimizers.accumulation import Accumulated

X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(64, 2)).astype(np.float32)


def network(optimizer):
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(4, activation="tanh")
    model = keras.Sequential([keras.Input([5]), hidden, keras.layers.Dense(2)])
    model.compile(optimizer, "mse")
    return model


def fitted(optimizer, batch, rows=slice(None)):
    model = network(optimizer)
    model.fit(X[rows], Y[rows], batch_size=batch, shuffle=False, verbose=0)
    return model


def assert_equal_weights(one, other, atol=1e-7):
    for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=atol)


def decaying_adam():
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    return keras.optimizers.AdamW(rate, weight_decay=0.1, global_clipnorm=0.1)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("inner", [lambda: keras.optimizers.SGD(0.1), decaying_adam])
def test_four_small_batches_are_one_large(inner, scaled):
    """Small steps must end with the weights and the schedule of large ones."""
    large, small = inner(), Accumulated(inner(), 4)
    if scaled:
        small = keras.mixed_precision.LossScaleOptimizer(small)
    one, other = fitted(large, 32), fitted(small, 8)
    assert_equal_weights(one, other)
    assert int(small.iterations) == 8
    assert float(small.learning_rate) == float(large.learning_rate)


def test_sums_of_exact_numbers_are_exact():
    """Weights must change in every `steps`-th step only, by the mean gradient."""
    variable = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input([2]), variable])
    model.compile(Accumulated(keras.optimizers.SGD(0.5), 2), lambda _, y: y)
    x = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [64, 64]], np.float32)
    model.fit(x, np.zeros([5, 1]), batch_size=1, shuffle=False, verbose=0)
    np.testing.assert_array_equal(variable.kernel.numpy()[:, 0], [-(2 + 6) / 2, -(3 + 7) / 2])


def test_a_batch_of_infinite_gradients_is_left_out():
    """A step with infinite gradients must be skipped without losing the others."""
    x = X.copy()
    x[8:16] = np.inf
    optimizer = keras.mixed_precision.LossScaleOptimizer(Accumulated(keras.optimizers.SGD(0.1), 2))
    model = network(optimizer)
    model.fit(x[:24], Y[:24], batch_size=8, shuffle=False, verbose=0)
    rows = np.r_[0:8, 16:24]
    assert_equal_weights(model, fitted(keras.optimizers.SGD(0.1), 16, rows), atol=1e-6)


def test_it_goes_on_in_the_middle_of_a_step(tmp_path):
    """A resumed training must end with the weights of an uninterrupted one."""
    whole = fitted(Accumulated(keras.optimizers.Adam(0.01), 4), 8)
    broken = fitted(Accumulated(keras.optimizers.Adam(0.01), 4), 8, slice(0, 48))
    broken.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    resumed.fit(X[48:], Y[48:], batch_size=8, shuffle=False, verbose=0)
    for mine, theirs in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_it_is_checkpointed_as_stages_are(tmp_path):
    """Accumulated gradients must be part of the checkpoint."""
    from asd_tf.training.callbacks import EpochCheckpoint

    broken = fitted(Accumulated(keras.optimizers.Adam(0.01), 4), 8, slice(0, 48))
    EpochCheckpoint(broken, tmp_path).on_epoch_end(0)
    resumed = network(Accumulated(keras.optimizers.Adam(0.01), 4))
    assert EpochCheckpoint(resumed, tmp_path).restore() == 1
    for model in (broken, resumed):
        model.fit(X[48:], Y[48:], batch_size=8, shuffle=False, verbose=0)
    for mine, theirs in zip(broken.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_no_steps_are_refused():
    """Zero steps must be refused."""
    with pytest.raises(ValueError, match="at least 1"):
        Accumulated(keras.optimizers.SGD(), 0)
