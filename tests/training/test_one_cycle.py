"""OneCycle must have the rates of PyTorch's OneCycleLR."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.training.one_cycle import OneCycle, one_cycle_momentum, one_cycle_rate

GOLDEN = Path(__file__).parents[1] / "golden" / "one_cycle.npz"


def test_all_8000_steps_are_pytorchs():
    steps = np.arange(8000)
    with np.load(GOLDEN) as golden:
        rates, betas = golden["learning_rate"], golden["beta_1"]
    np.testing.assert_allclose(one_cycle_rate(1e-3, 8000)(steps), rates, rtol=0, atol=1e-9)
    # What float32 can hold of 0.85 to 0.95.
    np.testing.assert_allclose(one_cycle_momentum(8000)(steps), betas, rtol=0, atol=6e-8)


@pytest.mark.parametrize(("steps", "rise"), [(10, 0.3), (800, 0.3), (8000, 0.25), (7, 1.0)])
def test_the_corners_are_exact(steps, rise):
    schedule = OneCycle(0.25, 2.0, 0.125, steps, rise)
    values = schedule(np.arange(steps + 3)).numpy()
    top = round(rise * steps) - 1
    assert (values[0], values[top]) == (0.25, 2.0)
    assert np.all(np.diff(values[: top + 1]) > 0)
    if top < steps - 1:
        assert np.all(np.diff(values[top:steps]) < 0)
        assert np.all(values[steps - 1 :] == 0.125)


def test_an_optimizer_takes_its_steps():
    """The schedule must take an integer number of steps."""
    variable = tf.Variable(0.0)
    optimizer = keras.optimizers.SGD(one_cycle_rate(0.5, 10))
    for _ in range(10):
        optimizer.apply_gradients([(tf.constant(-1.0), variable)])
    rates = one_cycle_rate(0.5, 10)(np.arange(10))
    assert float(variable) == pytest.approx(float(np.sum(rates)), rel=1e-5)


def test_is_saved_with_an_optimizer():
    schedule = OneCycle(0.1, 1.0, 0.0, 50, 0.4)
    stored = keras.optimizers.schedules.serialize(schedule)
    loaded = keras.optimizers.schedules.deserialize(stored)
    np.testing.assert_array_equal(loaded(np.arange(50)), schedule(np.arange(50)))


@pytest.mark.parametrize(("steps", "values"), [(1, [2, 2]), (2, [2, 0.125]), (3, [2, 1.0625])])
def test_a_training_of_a_few_steps_begins_at_the_peak(steps, values):
    """Trainings of very few steps must have a schedule too."""
    found = OneCycle(0.25, 2.0, 0.125, steps)(np.arange(2)).numpy()
    np.testing.assert_allclose(found[:steps], values[:steps], rtol=1e-6)


@pytest.mark.parametrize(("steps", "rise"), [(0, 0.3), (10, 0.0), (10, 1.1)])
def test_a_rise_over_no_step_is_refused(steps, rise):
    with pytest.raises(ValueError, match=r"^(steps|rise) must be .* got "):
        OneCycle(0.1, 1.0, 0.0, steps, rise)
