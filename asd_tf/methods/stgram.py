"""STgram-MFN, a rival of GeCo (Liu et al., ICASSP 2022).

"Anomalous sound detection using spectral-temporal information fusion". MobileFaceNet tells apart
machine ids by the log-mel spectrogram and a learned counterpart of it, trained with ArcFace. How
unlikely the own id is, margin included, is the anomaly score.
"""

import functools
import math

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.config import check_ranges
from asd_tf.data.pipeline import training_batches
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import export_extractor
from asd_tf.frontends.mel import LogMel
from asd_tf.losses.arcface import ArcFace, ArcFaceSurprise
from asd_tf.methods.assembly import fit_detector
from asd_tf.methods.crop_networks import machine_ids, steps_of_epoch
from asd_tf.methods.held_out import hold_out
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.models.stgram import stgram_mfn
from asd_tf.run import Run
from asd_tf.training.stage import Stage

DEPENDS_ON = ("data", "frontend", "network", "loss", "train", "calibration.held_out")

RANGES = {
    "data.seconds": (0.2, math.inf),
    "train.epochs": (1, math.inf),
    "train.batch_size": (2, math.inf),
    "train.learning_rate": (0.0, math.inf),
    "train.steps_per_epoch": (1, math.inf),
    "train.constant_epochs": (0, math.inf),
    "calibration.held_out": (0.0, 0.5),
}


def fit(run: Run, say: Say) -> None:
    """Trains the network on the ids of all machines, and writes the detector."""
    config, clips = run.config, run.train_clips
    check_ranges(config, RANGES)
    names, of_clip = machine_ids(run)
    held_out = hold_out(clips, config.calibration.held_out)
    say(
        f"{len(clips)} normal clips of {len(names)} machine ids to tell apart, {held_out.sum()} of "
        "them held out to calibrate"
    )
    stage = run.stage("classifier", DEPENDS_ON)
    rows = np.flatnonzero(~held_out)
    steps = steps_of_epoch(config.train, rows)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        network = build_network(config, run.samples)
        model = training_model(config, network, len(names), steps)
    train_network(
        run,
        stage,
        model,
        functools.partial(labelled_batches, run, stage, rows, of_clip, len(names)),
        epochs=config.train.epochs,
        steps_per_epoch=steps,
        say=say,
    )
    export = run.stage("extractor", DEPENDS_ON)
    if not export.done:
        surprise = ArcFaceSurprise(model.get_layer("loss"), name="surprise")(network.output)
        export_extractor(keras.Model(network.input, surprise), export.folder / "extractor")
        export.finish()

    def scorers(group: Group) -> list[dict]:
        column = {"column": names.index("###".join(group))}
        own = {"estimator": "AsScore", "params": column}
        return [{"extractor": "surprise", "backend": {"members": {"own_id": own}}}]

    calibrates = held_out if held_out.any() else None
    fit_detector(run, {"surprise": export.folder / "extractor"}, scorers, say, calibrates)


def build_network(config: ml_collections.ConfigDict, samples: int) -> keras.Model:
    """Builds the network: waveform [batch, N] to embeddings [batch, D]."""
    waveform = keras.Input([samples], name="waveform")
    sgram = LogMel(
        config.data.sample_rate, config.frontend.n_mels, bands="torchaudio", center=True
    )(waveform)
    return keras.Model(waveform, stgram_mfn(sgram, waveform, **config.network))


def training_model(
    config: ml_collections.ConfigDict, network: keras.Model, classes: int, steps_per_epoch: int
) -> keras.Model:
    """Adds the loss and compiles: (waveform, one-hot id) to logits."""
    label = keras.Input([classes], name="label")
    loss, train = config.loss, config.train
    logits = ArcFace(
        classes, margin=loss.margin, scale=loss.scale, easy_margin=loss.easy_margin, name="loss"
    )([network.output, label])
    model = keras.Model([network.input, label], logits)
    # A warm-up that begins where it ends keeps the rate for that long.
    schedule = keras.optimizers.schedules.CosineDecay(
        train.learning_rate,
        max(train.epochs - train.constant_epochs, 1) * steps_per_epoch,
        alpha=train.final_share,
        warmup_target=train.learning_rate,
        warmup_steps=train.constant_epochs * steps_per_epoch,
    )
    model.compile(
        keras.optimizers.Adam(schedule), keras.losses.CategoricalCrossentropy(from_logits=True)
    )
    return model


def labelled_batches(
    run: Run, stage: Stage, rows: np.ndarray, of_clip: np.ndarray, classes: int, first_step: int
) -> tf.data.Dataset:
    """Streams ((waveform, one-hot id), one-hot id) from a step on."""
    config = run.config
    batches = training_batches(
        run.train_clips,
        samples=run.samples,
        sample_rate=config.data.sample_rate,
        batch_size=config.train.batch_size,
        seed=stage.seed,
        stage=stage.folder.name,
        first_step=first_step,
        pools=[(rows, config.train.batch_size)],
    )
    ids = tf.constant(of_clip, tf.int32)

    def label(step, row, waveform):
        one_hot = tf.one_hot(tf.gather(ids, row), classes)
        return (waveform, one_hot), one_hot

    return batches.map(label).prefetch(tf.data.AUTOTUNE)
