"""The system of Asai, DCASE 2021 Challenge.

"Sub-cluster AdaCos based unsupervised anomalous sound detection for machine condition monitoring
under domain shift conditions". One network learns to tell apart machines, sections and domains from
log-mel spectrograms (Sections 2.1 and 2.2), by sub-cluster AdaCos with trained centres on mixed
pairs of clips (2.3): first pairs of source clips, then pairs of a source and a target clip (2.4).
Its embeddings are judged by a Gaussian mixture around the centres in the source domain and by a
one-class support vector machine in the target domain (2.5).
"""

import functools
import math
from typing import Any, NamedTuple

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.augmentation.mixup import MixPairs
from asd_tf.config import check_choices, check_ranges
from asd_tf.data.pipeline import training_batches
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import export_extractor
from asd_tf.frontends.mel import LogMel
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos
from asd_tf.methods.assembly import fit_detector, scorer_of
from asd_tf.methods.classes import class_names, number_classes
from asd_tf.methods.progress import Say
from asd_tf.methods.standardisation import standardising_layer
from asd_tf.methods.training import train_network
from asd_tf.models.log_mel_resnet import STAGES, log_mel_resnet
from asd_tf.run import Run
from asd_tf.training.adamp import AdamP
from asd_tf.training.stage import Stage

# What the statistics, the weights after the first step, and the final weights depend on.
OF_FRONTEND = ("data", "frontend")
OF_SOURCE = (*OF_FRONTEND, "network", "loss", "mixup", "optimizer", "source")
OF_TARGET = (*OF_SOURCE, "target")

CHOICES = {
    "frontend.standardise": ("per_band", "all_bands"),
    "mixup.of": ("features", "waveforms"),
    "backend.means": ("learned_centres", "kmeans"),
}

RANGES = {
    "data.seconds": (0.2, math.inf),
    "loss.subclusters": (1, math.inf),
    "optimizer.batch_size": (1, math.inf),
    "optimizer.learning_rate": (0.0, math.inf),
    "optimizer.weight_decay": (0.0, math.inf),
    "source.epochs": (1, math.inf),
    "source.steps_per_epoch": (1, math.inf),
    "target.epochs": (0, math.inf),
    "target.steps_per_epoch": (1, math.inf),
}


class Parts(NamedTuple):
    """The network in two parts, between which clips can be mixed.

    Attributes:
        frontend: Waveform [batch, N] to standardised log-mels [batch, frames, bands].
        core: Log-mels to embeddings [batch, D].
    """

    frontend: keras.Model
    core: keras.Model

    @property
    def network(self) -> keras.Model:
        """Both: waveform [batch, N] to embeddings [batch, D]."""
        return keras.Model(self.frontend.input, self.core(self.frontend.output))


def fit(run: Run, say: Say) -> None:
    """Trains the network in two steps, embeds the training clips, and fits the backends."""
    check_choices(run.config, CHOICES)
    check_ranges(run.config, RANGES)
    clips = run.train_clips
    classes, of_clip = number_classes(class_names(clips, attributes=False))
    say(f"{len(clips)} normal clips to train on, {len(classes)} classes to tell apart")
    network, centers = train(run, len(classes), of_clip, say)
    stage = run.stage("extractor", OF_TARGET)
    if not stage.done:
        say("export the network")
        network.trainable = True  # all of it, for whoever trains it further
        export_extractor(network, stage.folder / "extractor")
        stage.finish()
    of_group = centers_of_groups(clips, of_clip, centers)
    scorers = functools.partial(scorers_of, run.config, of_group)
    fit_detector(run, {"embedding": stage.folder / "extractor"}, scorers, say)


def train(run: Run, classes: int, of_clip: np.ndarray, say: Say) -> tuple[keras.Model, np.ndarray]:
    """Trains on source clips, then fine-tunes on source and target clips (Section 2.4).

    Returns:
        The trained network, and its centres [classes, S, D].
    """
    config = run.config
    standardise = standardising_layer(
        run,
        run.stage("standardisation", OF_FRONTEND),
        keras.Sequential([keras.Input([run.samples]), log_mel_layer(config)]),
        per_band=config.frontend.standardise == "per_band",
    )
    first, second = run.stage("source", OF_SOURCE), run.stage("target", OF_TARGET)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(first.seed)
        parts = build_parts(config, run.samples, standardise)
        model = training_model(config, parts, classes)
    is_target = (run.train_clips["domain"] == "target").to_numpy(bool)
    source, target = np.flatnonzero(~is_target), np.flatnonzero(is_target)
    train_network(
        run,
        first,
        model,
        functools.partial(paired_batches, run, first, of_clip, classes, source, source),
        epochs=config.source.epochs,
        steps_per_epoch=config.source.steps_per_epoch
        or math.ceil(len(source) / config.optimizer.batch_size),
        say=say,
    )
    if not len(target):
        say("no training clip is of the target domain, so that the second step has nothing to do")
    with run.settings.devices.scope():
        freeze_all_but_last_stage(parts)
        compile_model(config, model)
    train_network(
        run,
        second,
        model,
        functools.partial(paired_batches, run, second, of_clip, classes, source, target),
        epochs=config.target.epochs if len(target) else 0,
        steps_per_epoch=config.target.steps_per_epoch,
        say=say,
    )
    centers = model.get_layer("loss").centers.numpy().T
    return parts.network, centers.reshape(classes, config.loss.subclusters, -1)


def log_mel_layer(config: ml_collections.ConfigDict) -> keras.layers.Layer:
    """Makes the frontend of Section 2.1, as the published code of 2021 computes it."""
    return LogMel(
        config.data.sample_rate, config.frontend.n_mels, bands="slaney", center=True, name="log_mel"
    )


def build_parts(
    config: ml_collections.ConfigDict, samples: int, standardise: keras.layers.Layer
) -> Parts:
    """Builds the network (Section 2.2 and Table 1)."""
    waveform = keras.Input([samples], name="waveform")
    frontend = keras.Model(waveform, standardise(log_mel_layer(config)(waveform)), name="frontend")
    log_mel = keras.Input(frontend.output_shape[1:], name="features")
    embedding = log_mel_resnet(log_mel, width=config.network.width, dense=config.network.dense)
    return Parts(frontend, keras.Model(log_mel, embedding, name="core"))


def training_model(config: ml_collections.ConfigDict, parts: Parts, classes: int) -> keras.Model:
    """Adds mixing and loss and compiles: two waveforms, share and label to probabilities."""
    shape = parts.frontend.input_shape[1:]
    first, second = keras.Input(shape, name="first"), keras.Input(shape, name="second")
    share, label = keras.Input([], name="share"), keras.Input([classes], name="label")
    mix = MixPairs(name="mix", dtype="float32")
    if config.mixup.of == "features":
        mixed = mix([parts.frontend(first), parts.frontend(second), share])
    else:
        mixed = parts.frontend(mix([first, second, share]))
    probabilities = SubclusterAdaCos(
        classes,
        subclusters=config.loss.subclusters,
        trainable_centers=True,
        dynamic_scale=config.loss.dynamic_scale,
        name="loss",
    )([parts.core(mixed), label])
    model = keras.Model([first, second, share, label], probabilities)
    compile_model(config, model)
    return model


def compile_model(config: ml_collections.ConfigDict, model: keras.Model) -> None:
    """Compiles with a new optimizer for the weights that are trainable (Sections 2.4 and 3.1)."""
    optimizer = AdamP(config.optimizer.learning_rate, weight_decay=config.optimizer.weight_decay)
    model.compile(optimizer, keras.losses.KLDivergence())


def freeze_all_but_last_stage(parts: Parts) -> None:
    """Leaves the last residual block trainable, and the loss (Section 3.1).

    The norms of what is frozen stay at their statistics.
    """
    for layer in parts.core.layers:
        layer.trainable = layer.name.startswith(f"stage_{STAGES}_")


def paired_batches(
    run: Run,
    stage: Stage,
    of_clip: np.ndarray,
    classes: int,
    first: np.ndarray,
    second: np.ndarray,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((first, second, share, mixed label), mixed label) from a step on.

    Args:
        run: The run.
        stage: Whose seed and name are taken.
        of_clip: Class of each training clip.
        classes: Number of classes.
        first: Rows of the training clips from which the first of each pair is drawn.
        second: The same of the second one.
        first_step: The step to begin at.
    """
    size = run.config.optimizer.batch_size
    batches = training_batches(
        run.train_clips,
        samples=run.samples,
        sample_rate=run.config.data.sample_rate,
        batch_size=2 * size,
        seed=stage.seed,
        stage=stage.folder.name,
        first_step=first_step,
        pools=[(first, size), (second, size)],
    )
    of_clip = tf.constant(of_clip, tf.int32)

    def pair(step, row, waveform):
        share = tf.random.stateless_uniform([size], tf.stack([tf.cast(stage.seed, tf.int64), step]))
        label = tf.one_hot(tf.gather(of_clip, row), classes)
        mixed = share[:, tf.newaxis] * label[:size] + (1 - share[:, tf.newaxis]) * label[size:]
        return (waveform[:size], waveform[size:], share, mixed), mixed

    return batches.map(pair, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def centers_of_groups(
    clips: pd.DataFrame, of_clip: np.ndarray, centers: np.ndarray
) -> dict[Group, np.ndarray]:
    """Returns the centres [S, D] of the source class of each machine and section that has one."""
    is_source = (clips["domain"] != "target").to_numpy(bool)
    groups = zip(clips["machine"], clips["section"], strict=True)
    return {
        group: centers[of_class]
        for group, of_class, source in zip(groups, of_clip, is_source, strict=True)
        if source
    }


def scorers_of(
    config: ml_collections.ConfigDict, centers: dict[Group, np.ndarray], group: Group
) -> list[dict[str, Any]]:
    """Returns the scorer of a group, its mixture begun at the centres of the group (2.5)."""
    scorer = scorer_of(config, "embedding")
    if config.backend.means == "learned_centres" and group in centers:
        for member in scorer["backend"]["members"].values():
            if member["estimator"] == "CappedGaussianMixture":
                member["params"]["means_init"] = centers[group]
    return [scorer]
