"""The baseline of GeCo (Zeng et al., ICASSP 2023, Section 3.3): ResNet18 tells apart machine ids.

It sees random crops of log-mels. The cosine distance of the embedding from the mean of its machine
id is the anomaly score.
"""

import keras
import ml_collections
import tensorflow as tf

from asd_tf.config import check_ranges
from asd_tf.methods.assembly import fit_detector, scorer_of
from asd_tf.methods.crop_networks import (
    CROP_RANGES,
    OF_CROPS,
    crop_resnet,
    crop_stream,
    even_starts,
    export_crops,
    half_decay,
    machine_ids,
    steps_of_epoch,
    stepwise_sgd,
)
from asd_tf.methods.frame_data import frame_data, level_statistics
from asd_tf.methods.frame_models import say_what_is_held_out
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.run import Run


def fit(run: Run, say: Say) -> None:
    """Trains the network on the ids of all machines, and writes the detector."""
    config = run.config
    check_ranges(config, {**CROP_RANGES, "train.momentum": (0.0, 1.0)})
    names, of_clip = machine_ids(run)
    data = frame_data(run, say)
    data.check_size("crop.frames", config.crop.frames)
    say_what_is_held_out(run, data, say)
    stage = run.stage("classifier", OF_CROPS)
    rows = data.rows(of_clip >= 0)
    steps = steps_of_epoch(config.train, rows)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        core = crop_resnet(
            config, data.levels.shape[2], *level_statistics(stage, data.levels, rows)
        )
        model = classifier(config, core, len(names), steps)
    ids = tf.constant(of_clip, tf.int32)

    def batches(first_step: int) -> tf.data.Dataset:
        stream = crop_stream(run, data, stage, rows, first_step)
        return stream.map(lambda step, row, crop: (crop, tf.gather(ids, row))).prefetch(2)

    train_network(
        run, stage, model, batches, epochs=config.train.epochs, steps_per_epoch=steps, say=say
    )
    folder = export_crops(data, core, even_starts(config, data), run.stage("extractor", OF_CROPS))
    scorer = {**scorer_of(config, "embedding"), "fit_on": "items", "score_on": "items"}
    fit_detector(run, {"embedding": folder}, lambda group: [scorer], say, data.calibrates)


def classifier(
    config: ml_collections.ConfigDict, core: keras.Model, classes: int, steps_per_epoch: int
) -> keras.Model:
    """Adds the linear layer and compiles: crops to logits."""
    logits = keras.layers.Dense(
        classes,
        kernel_regularizer=keras.regularizers.L2(half_decay(config)),
        dtype="float32",
        name="logits",
    )(core.output)
    model = keras.Model(core.input, logits)
    model.compile(
        stepwise_sgd(config.train, steps_per_epoch),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model
