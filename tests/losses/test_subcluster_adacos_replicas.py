"""The scale of the loss must be equal on two devices and on one."""

import json
from pathlib import Path

from harness import run_python

# In a process of its own: the devices have to be split before TensorFlow starts.
SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf
from asd_tf.compat import native
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
rng = np.random.default_rng(0)
centers = {S: rng.normal(size=[8, 7 * S]).astype(np.float32) for S in (1, 4)}
labels = np.eye(7, dtype=np.float32)[rng.integers(0, 7, 64)]
largest = {"scale": 0.0, "probabilities": 0.0}
for S in (1, 4):
    # The halves of the batch differ, so that no replica's own scale is that of the batch.
    unit = centers[S] / np.linalg.norm(centers[S], axis=0)
    closeness = np.linspace(0, 4, 64)[:, None]
    embeddings = rng.normal(size=[64, 8]) + closeness * (labels @ unit[:, ::S].T)
    embeddings = embeddings.astype(np.float32)
    single = SubclusterAdaCos(7, S)
    single.build([[None, 8], [None, 7]])
    single.centers.assign(centers[S])
    with strategy.scope():
        double = SubclusterAdaCos(7, S)
        double.build([[None, 8], [None, 7]])
        double.centers.assign(centers[S])
    scale_of_both = native(double.scale)
    assert scale_of_both.aggregation == tf.VariableAggregation.MEAN

    @tf.function
    def step(embeddings, labels):
        return strategy.run(lambda e, y: double([e, y], training=True), (embeddings, labels))

    def shared(value):
        halves = np.split(value, 2)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(halves[context.replica_id_in_sync_group])
        )

    for _ in range(3):
        expected = single([embeddings, labels], training=True).numpy()
        found = step(shared(embeddings), shared(labels))
        found = np.concatenate([p.numpy() for p in strategy.experimental_local_results(found)])
        for scale in strategy.experimental_local_results(scale_of_both):
            error = abs(float(scale) / float(single.scale.numpy()) - 1)
            largest["scale"] = max(largest["scale"], error)
        error = float(np.abs(found - expected).max())
        largest["probabilities"] = max(largest["probabilities"], error)
print(json.dumps(largest))
"""


def test_two_replicas_of_32_clips_equal_one_of_64():
    ran = run_python("-c", SCRIPT, cwd=Path(__file__).parents[2])
    assert ran.returncode == 0, ran.stderr[-2000:]
    largest = json.loads(ran.stdout.splitlines()[-1])
    assert largest["scale"] < 1e-6
    assert largest["probabilities"] < 1e-6
