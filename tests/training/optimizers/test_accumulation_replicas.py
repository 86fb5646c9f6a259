"""Accumulated gradients must be those of a larger batch on two devices too."""

import json
from pathlib import Path

from harness import run_python

# In a process of its own: the devices have to be split before TensorFlow starts.
SCRIPT = """
import contextlib, json
import keras, numpy as np, tensorflow as tf
from asd_tf.training.optimizers.accumulation import Accumulated

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
x = np.random.default_rng(0).normal(size=(32, 5)).astype(np.float32)
y = np.random.default_rng(1).normal(size=(32, 2)).astype(np.float32)

def weights(optimizer, batch, scope):
    with scope:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input([5]), keras.layers.Dense(2)])
        model.compile(optimizer(), "mse")
    model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
    return model.get_weights(), int(model.optimizer.iterations.numpy())

def adam():
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    return keras.optimizers.Adam(rate, global_clipnorm=0.1)

scaled = lambda: keras.mixed_precision.LossScaleOptimizer(Accumulated(adam(), 4))
whole, _ = weights(adam, 32, contextlib.nullcontext())
found = []
for optimizer in (lambda: Accumulated(adam(), 4), scaled):
    parts, iterations = weights(optimizer, 8, strategy.scope())
    gap = max(float(np.abs(a - b).max()) for a, b in zip(whole, parts))
    found.append([gap, iterations])
print(json.dumps(found))
"""


def test_replicas_accumulate_together():
    """Two devices must end with the weights of one."""
    result = run_python("-c", SCRIPT, cwd=Path(__file__).parents[3])
    assert result.returncode == 0, result.stderr
    for gap, iterations in json.loads(result.stdout.splitlines()[-1]):
        assert gap < 1e-6
        assert iterations == 8
