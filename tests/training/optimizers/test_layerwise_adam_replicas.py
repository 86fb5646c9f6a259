"""Learning rates and centroids must be equal on two devices and on one."""

import json
from pathlib import Path

import pytest
from harness import run_python

# In a process of its own: the devices have to be split before TensorFlow starts.
SCRIPT = """
import json
import keras, numpy as np, tensorflow as tf
from asd_tf.losses.ddcsad import DDCSAD
from asd_tf.training.centroids import CentroidUpdate
from asd_tf.training.optimizers.layerwise_adam import LayerwiseAdam, rate_factors
from asd_tf.training.one_cycle import one_cycle_momentum, one_cycle_rate

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategies = [tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])]
rng = np.random.default_rng(0)
x, y = rng.normal(size=[16, 8, 3]).astype(np.float32), np.arange(16, dtype=np.float32) % 2
batches = tf.data.Dataset.from_tensors(((x, y), y)).repeat()
found, norms = [], []
for strategy in strategies:
    keras.utils.set_random_seed(0)
    with strategy.scope():
        clip, label = keras.Input([8, 3]), keras.Input([])
        z = keras.layers.Conv1D(4, 3, activation="relu")(clip)
        z = keras.layers.GlobalAveragePooling1D()(z)
        ddcsad = DDCSAD(weight=0.1)
        logits = keras.layers.Dense(1)(ddcsad([z, label]))
        model = keras.Model([clip, label], logits)
        model.compile(
            LayerwiseAdam(
                one_cycle_rate(0.02, 4), rate_factors(model, convolution=0.5), one_cycle_momentum(4)
            ),
            keras.losses.BinaryCrossentropy(from_logits=True),
        )
    clips = tf.data.Dataset.from_tensor_slices((x, y)).batch(5)
    update = CentroidUpdate(ddcsad, keras.Model(clip, z), clips)
    history = model.fit(batches, epochs=2, steps_per_epoch=2, verbose=0, callbacks=[update])
    with strategy.scope():
        norm = keras.layers.BatchNormalization()
        normed = norm(clip)
    pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Conv1D(4, 1)(normed))
    CentroidUpdate(ddcsad, keras.Model(clip, pooled), clips, adapt_norms=True).on_epoch_begin(0)
    copies = strategy.experimental_local_results((norm.moving_mean, norm.moving_variance))
    norms += [np.concatenate([value.numpy() for value in copy]) for copy in copies]
    found.append([model.get_weights(), history.history])
(weights, history), (other, other_history) = found
print(json.dumps({
    "largest": max(float(np.abs(a - b).max()) for a, b in zip(weights, other)),
    "norms": [float(np.abs(copy - norms[0]).max()) for copy in norms],
    "terms": {name: [history[name], other_history[name]] for name in history},
}))
"""


@pytest.mark.slow
def test_two_replicas_of_8_clips_equal_one_of_16():
    ran = run_python("-c", SCRIPT, cwd=Path(__file__).parents[3])
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["largest"] < 1e-5
    assert len(found["norms"]) == 3
    assert max(found["norms"]) < 1e-6
    assert set(found["terms"]) == {"loss", "ddcsad"}
    for name, (one, two) in found["terms"].items():
        assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 1e-4, name
