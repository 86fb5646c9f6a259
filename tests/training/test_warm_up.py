"""The warm-up must begin with the right rate and peak at the right step."""

import keras
import numpy as np
import pytest

from asd_tf.training.warm_up import WarmUp


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (WarmUp(8.0, 4), [2, 4, 6, 8, 8, 8, 8]),
        (WarmUp(8.0, 0), [8] * 7),
        (WarmUp(8.0, 2, 6), [4, 8, 8, 6, 4, 2, 0]),
    ],
)
def test_the_rate_of_each_step(schedule, expected, tmp_path):
    """The rate must rise linearly to the peak."""
    found = [float(schedule(np.int64(step))) for step in range(7)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    again = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule),
        custom_objects={"WarmUp": WarmUp, "asd_tf>WarmUp": WarmUp},
    )
    assert again.get_config() == schedule.get_config()


def test_a_warm_up_longer_than_the_training_is_refused():
    """A warm-up must end before the training does."""
    with pytest.raises(ValueError, match=r"^warmup_steps must be smaller than .* 10, got 10$"):
        WarmUp(1.0, 10, 10)
