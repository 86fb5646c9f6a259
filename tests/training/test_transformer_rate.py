"""The Transformer's learning rate must be the published one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.training.transformer_rate import TransformerRate


def test_the_published_formula():
    """The rates must be those of Vaswani et al., eq. 3, whose first step is number 1."""
    steps = np.array([0, 1, 1000, 7998, 7999, 8000, 31999, 49999])
    number = steps + 1.0
    expected = 144**-0.5 * np.minimum(number**-0.5, number * 8000**-1.5)
    np.testing.assert_allclose(TransformerRate(144)(steps), expected, rtol=1e-7)
    np.testing.assert_allclose(TransformerRate(144, factor=2.0)(steps), 2 * expected, rtol=1e-7)


def test_the_corner_is_exact():
    """The rate must be highest at step 8,000, and half as high after four times as many."""
    rates = TransformerRate(64, 8000)(np.arange(32_000)).numpy()
    assert rates.argmax() == 7999
    assert rates[7999] == np.float32(1 / np.sqrt(64 * 8000))
    assert rates[31_999] == rates[7999] / 2
    np.testing.assert_allclose(np.diff(rates[:8000]), rates[0], rtol=1e-2)
    assert np.all(np.diff(rates[7999:]) < 0)


def test_adam_takes_it_and_is_saved_with_it():
    optimizer = keras.optimizers.Adam(TransformerRate(16, 4, 0.5))
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    variable = tf.Variable(0.0)
    for _ in range(6):
        optimizer.apply_gradients([(tf.constant(-1.0), variable)])
    # Of equal gradients, Adam takes steps of the learning rate itself.
    assert float(variable) == pytest.approx(
        float(np.sum(TransformerRate(16, 4, 0.5)(np.arange(6)))), 1e-3
    )


@pytest.mark.parametrize("arguments", [{"width": 0}, {"width": 8, "warmup_steps": 0}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=r"must be greater than 0, got 0$"):
        TransformerRate(**arguments)
