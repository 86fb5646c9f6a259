"""GeCo's balance factor must change at the published steps, also after a resume."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.losses.generative_contrastive import GenerativeContrastiveLoss
from asd_tf.training.schedules import StepSchedule, linear_ramp
from asd_tf.training.stage import Stage, fit_stage

STEPS = 7


def ramp(step):
    """Returns the paper's lambda: 0 up to epoch 30, 10 from epoch 90 on."""
    return linear_ramp(step, 30 * STEPS, 90 * STEPS, 10.0)


def test_the_corners_of_the_paper_are_exact():
    assert [ramp(step) for step in (0, 1, 30 * STEPS - 1, 30 * STEPS)] == [0, 0, 0, 0]
    assert ramp(30 * STEPS + 1) == 10 / (60 * STEPS)
    assert ramp(60 * STEPS) == 5
    assert ramp(90 * STEPS - 1) == pytest.approx(10 - 10 / (60 * STEPS), rel=1e-12)
    assert ramp(90 * STEPS - 1) < 10
    assert [ramp(step) for step in (90 * STEPS, 90 * STEPS + 1, 120 * STEPS)] == [10, 10, 10]


def test_rises_by_equal_steps():
    values = np.array([ramp(step) for step in range(120 * STEPS)])
    np.testing.assert_allclose(np.diff(values[30 * STEPS : 90 * STEPS]), 10 / (60 * STEPS))


@pytest.mark.parametrize("start", [5, 9])
def test_a_ramp_without_length_is_a_jump(start):
    assert [linear_ramp(step, start, 5, 2.0) for step in (0, 4, 5, 20)] == [0, 0, 2, 2]


@pytest.mark.parametrize("steps", [1, 10, 750])
def test_learning_rate_drops_at_the_first_step_of_an_epoch(steps):
    """The rate must change at the first step of its epoch."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [50 * steps - 1, 90 * steps - 1], [0.1, 0.01, 0.001]
    )
    found = [float(schedule(step * steps + extra)) for step in (50, 90) for extra in (-1, 0)]
    assert found == pytest.approx([0.1, 0.01, 0.01, 0.001])


class Record(keras.callbacks.Callback):
    """Records the variable and the learning rate of each step."""

    def __init__(self, variable, rate):
        super().__init__()
        self.variable, self.rate, self.values, self.rates = variable, rate, [], []

    def on_train_batch_end(self, batch, logs=None):
        """Records both."""
        self.values.append(float(self.variable))
        self.rates.append(round(float(self.rate(self.model.optimizer.iterations - 1)), 6))


def train(folder, epochs):
    """Trains, or resumes, GeCo's loss on vectors for a number of epochs of three steps."""
    keras.utils.set_random_seed(0)
    original, machine_id = keras.Input([6]), keras.Input([], dtype=tf.int32)
    both = keras.layers.Concatenate(axis=0)([original, keras.layers.Rescaling(0.5)(original)])
    loss = GenerativeContrastiveLoss(3)
    model = keras.Model([original, machine_id], loss([keras.layers.Dense(4)(both), machine_id]))
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(
        [3 * 3 - 1, 5 * 3 - 1], [0.1, 0.01, 0.001]
    )
    model.compile(keras.optimizers.SGD(rate, momentum=0.9))

    def batches(first_step):
        def batch(step):
            seed = tf.stack([step, 1])
            ids = tf.random.stateless_uniform([8], seed, 0, 3, tf.int32)
            return ((tf.random.stateless_normal([8, 6], seed), ids),)

        return tf.data.Dataset.range(first_step, 1000).map(batch)

    schedule = StepSchedule(loss.balance, lambda step: linear_ramp(step, 3, 13, 10.0), 3)
    record = Record(loss.balance, rate)
    stage = Stage(folder / "01-geco", folder / "tensorboard", seed=0)
    fit_stage(stage, model, batches, epochs=epochs, steps_per_epoch=3, callbacks=[schedule, record])
    return record, model.get_weights()


def test_every_step_has_its_value_and_a_resumed_training_the_same(tmp_path):
    whole, weights = train(tmp_path / "whole", 6)
    assert whole.values == [0, 0, 0, 0, *range(1, 11), 10, 10, 10, 10]
    assert whole.rates == [0.1] * 9 + [0.01] * 6 + [0.001] * 3
    first, _ = train(tmp_path / "broken", 2)
    second, resumed = train(tmp_path / "broken", 6)
    assert [*first.values, *second.values] == whole.values
    assert [*first.rates, *second.rates] == whole.rates
    for one, other in zip(weights, resumed, strict=True):
        np.testing.assert_array_equal(one, other)
