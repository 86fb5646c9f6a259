"""GeCo's loss must train equal weights on two devices and on one."""

import json
from pathlib import Path

from harness import run_python

# In a process of its own: the devices have to be split before TensorFlow starts.
SCRIPT = """
import json
import keras, numpy as np, tensorflow as tf
from asd_tf.losses.generative_contrastive import GenerativeContrastiveLoss
from asd_tf.training.schedules import StepSchedule

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategies = [tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])]
rng = np.random.default_rng(0)
inputs = [*rng.normal(size=[2, 16, 6]).astype(np.float32), rng.integers(0, 3, 16).astype(np.int32)]
batches = tf.data.Dataset.from_tensors((tuple(inputs),)).repeat()
found = []
for strategy in strategies:
    keras.utils.set_random_seed(0)
    with strategy.scope():
        original, reconstruction = keras.Input([6]), keras.Input([6])
        machine_id = keras.Input([], dtype=tf.int32)
        both = keras.layers.Concatenate(axis=0)([original, reconstruction])
        loss = GenerativeContrastiveLoss(3, l2=1e-3)
        logits = loss([keras.layers.Dense(4)(both), machine_id])
        model = keras.Model([original, reconstruction, machine_id], logits)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    schedule = StepSchedule(loss.balance, lambda step: 2.0 * step, 2)
    history = model.fit(batches, epochs=2, steps_per_epoch=2, verbose=0, callbacks=[schedule])
    found.append([model.get_weights(), history.history])
(weights, history), (other, other_history) = found
largest = max(float(np.abs(a - b).max()) for a, b in zip(weights, other))
terms = {name: [history[name], other_history[name]] for name in history}
print(json.dumps({"largest": largest, "terms": terms, "balance": float(loss.balance.numpy())}))
"""


def test_two_replicas_of_8_clips_equal_one_of_16():
    """Originals and reconstructions are divided alike, and so stay in pairs."""
    ran = run_python("-c", SCRIPT, cwd=Path(__file__).parents[2])
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["largest"] < 1e-6
    assert found["balance"] == 6
    assert set(found["terms"]) == {"loss", "cross_entropy", "contrastive"}
    for name, (one, two) in found["terms"].items():
        assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 1e-5, name
