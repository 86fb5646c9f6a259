"""A restored model must not depend on its last training."""

import keras
import numpy as np

from asd_tf.training.initial_state import InitialState


def network():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input([3]), keras.layers.Dense(4), keras.layers.BatchNormalization(),
         keras.layers.Dense(1)]
    )  # fmt: skip
    rate = keras.optimizers.schedules.PolynomialDecay(0.1, 6)
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


def train(model):
    x = np.random.default_rng(0).normal(size=[12, 3])
    model.fit(x, x[:, :1], batch_size=4, epochs=2, shuffle=False, verbose=0)
    return [*model.get_weights(), *(variable.numpy() for variable in model.optimizer.variables)]


def test_each_training_is_the_first():
    """Weights, statistics of norms, moments and the step count must be restored."""
    model = network()
    initial = InitialState(model)
    trainings = []
    for _ in range(2):
        initial.restore()
        trainings.append(train(model))
    alone = train(network())
    assert len(alone) == len(trainings[0])
    for first, again, expected in zip(*trainings, alone, strict=True):
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(first, expected)
