"""Multipliers of learning rates by layer, and the warm-up."""

import keras
import numpy as np
import pytest

from asd_tf.checkpoints.mapping import variables_of
from asd_tf.models.encoders.beats import BeatsConfig
from asd_tf.models.encoders.build import build_encoder
from asd_tf.training.layer_decay import layer_multipliers
from asd_tf.training.warm_up import WarmUp


def test_layers_nearer_to_the_input_learn_more_slowly():
    """Fine-tuning would change the first layers most, or not the last ones."""
    names = ["layer_11_q/kernel", "layer_10_v/lora_a", "layer_0_gate/bias", "layer_1/x",
             "patch_norm/gamma", "layer_norm/gamma", "last_norm/beta"]  # fmt: skip
    found = layer_multipliers(names, 12, 0.5, behind=["last_norm"])
    expected = [1, 0.5, 0.5**11, 0.5**10, 0.5**12, 0.5**12, 1]
    assert found == dict(zip(names, expected, strict=True))


def test_every_variable_of_an_encoder_has_a_multiplier():
    """A renamed layer would be taken for one in front of the blocks."""
    config = BeatsConfig(embed=16, depth=2, width=32, ffn=32, heads=2, conv_positions=4,
                         conv_groups=2)  # fmt: skip
    names = variables_of(build_encoder(config, 4000))
    found = layer_multipliers(names, 2, 0.6)
    assert found.keys() == names.keys()
    in_blocks = [name for name, value in found.items() if value > 0.6**2]
    assert len(in_blocks) == 2 * (6 * 2 + 2 * 2 + 3)


@pytest.mark.parametrize(("depth", "ratio"), [(12, 0.0), (12, 1.1), (2, 0.5)])
def test_what_makes_no_sense_is_refused(depth, ratio):
    """A depth of another encoder would make rates larger than the recipe's."""
    with pytest.raises(ValueError, match=r"layer"):
        layer_multipliers(["layer_5_q/kernel"], depth, ratio)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (WarmUp(8.0, 4), [2, 4, 6, 8, 8, 8, 8]),
        (WarmUp(8.0, 0), [8] * 7),
        (WarmUp(8.0, 2, 6), [4, 8, 8, 6, 4, 2, 0]),
    ],
)
def test_the_rate_of_each_step(schedule, expected, tmp_path):
    """A training would begin at its full rate, or never reach it."""
    found = [float(schedule(np.int64(step))) for step in range(7)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    again = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule),
        custom_objects={"WarmUp": WarmUp, "asd_tf>WarmUp": WarmUp},
    )
    assert again.get_config() == schedule.get_config()


def test_a_warm_up_longer_than_the_training_is_refused():
    """The rate would never reach its peak."""
    with pytest.raises(ValueError, match="shorten"):
        WarmUp(1.0, 10, 10)
