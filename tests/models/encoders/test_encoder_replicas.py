"""An encoder must train on two devices, each with its own dropout."""

import json
from pathlib import Path

import pytest
from harness import run_python

# In a process of its own: the devices have to be split before TensorFlow starts.
SCRIPT = """
import json
import keras, numpy as np, tensorflow as tf
from asd_tf.models.encoders.beats import BeatsConfig
from asd_tf.models.encoders.build import build_encoder

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
config = BeatsConfig(
    embed=16, depth=1, width=32, ffn=32, heads=2, conv_positions=4, conv_groups=2,
    dropout=0.3, attention_dropout=0.3, activation_dropout=0.3, layer_drop=0.3,
)
with strategy.scope():
    encoder = build_encoder(config, 4000)
    encoder.compile(keras.optimizers.SGD(0.01), "mse")
wave = np.random.default_rng(0).normal(size=(4, 4000)).astype(np.float32)
encoder.fit(wave, np.zeros((4, 8, 32), np.float32), batch_size=2, epochs=2, verbose=0)
layer = encoder.get_layer("step_seed")
step = tf.function(lambda: strategy.run(lambda: layer(tf.zeros([1]), training=True)))
seeds = [[s.numpy().tolist() for s in strategy.experimental_local_results(step())] for _ in "ab"]
print(json.dumps({"steps": int(layer.steps.numpy()), "seeds": seeds}))
"""


@pytest.mark.slow
def test_replicas_draw_apart_and_count_together():
    """Devices must draw different masks."""
    result = run_python("-c", SCRIPT, cwd=Path(__file__).parents[3])
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["steps"] == 4 + 2
    seeds = [tuple(seed) for step in found["seeds"] for seed in step]
    assert len(set(seeds)) == 4
