"""A stage on two devices must end with the weights of one device, also after an interruption."""

import json
from pathlib import Path

from harness import run_python

# In a process of its own: the devices have to be split before TensorFlow starts.
SCRIPT = """
import contextlib, json, sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
from asd_tf.training.compiling import compile_network
from asd_tf.training.stage import Stage, fit_stage

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)

def batches(first):
    data = tf.data.Dataset.from_tensor_slices((x, 3 * x)).batch(8, drop_remainder=True)
    return data.repeat().skip(first)

def trained(name, scope, *epochs):
    for count in epochs:
        with scope():
            keras.utils.set_random_seed(0)
            model = keras.Sequential([keras.Input([3]), keras.layers.Dense(3)])
            compile_network(model, keras.optimizers.Adam(0.05), "mse")
        stage = Stage(Path(sys.argv[1]) / name, Path(sys.argv[1]) / "logs", seed=0)
        fit_stage(stage, model, batches, epochs=count, steps_per_epoch=8)
    return model.get_weights()

one = trained("one", contextlib.nullcontext, 3)
two = trained("two", strategy.scope, 3)
resumed = trained("resumed", strategy.scope, 1, 3)
gaps = [max(float(np.abs(a - b).max()) for a, b in zip(one, other)) for other in (two, resumed)]
print(json.dumps(gaps))
"""


def test_two_devices_train_as_one(tmp_path):
    """Weights, moments and step counts must be those of a single device."""
    result = run_python("-c", SCRIPT, tmp_path, cwd=Path(__file__).parents[2])
    assert result.returncode == 0, result.stderr
    whole, resumed = json.loads(result.stdout.splitlines()[-1])
    assert whole < 1e-5
    assert resumed < 1e-5
