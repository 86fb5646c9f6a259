"""GeCo (Zeng et al., ICASSP 2023).

"Joint generative-contrastive representation learning for anomalous sound detection". For each
machine, a predictive autoencoder (PAE) learns to predict a frame from its neighbours (Section 2.1).
A ResNet18 then learns to tell apart machine ids and, within each, clips from what the PAE makes of
them (2.2). The prediction error of the PAE and the distance of the embedding from the centre of its
machine id are added up (2.3).
"""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.config import check_choices, check_ranges
from asd_tf.detector.base import Group
from asd_tf.errors import UsageError
from asd_tf.losses.generative_contrastive import FORMS, GenerativeContrastiveLoss
from asd_tf.methods import pae
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
from asd_tf.methods.frame_data import OF_FEATURES, FrameData, frame_data, level_statistics
from asd_tf.methods.frame_models import (
    NETWORK_RANGES,
    Trained,
    error_scorer,
    say_what_is_held_out,
    train_machines,
)
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.models.reconstruct_frames import ReconstructFrames
from asd_tf.run import Run
from asd_tf.training.schedules import StepSchedule, linear_ramp
from asd_tf.training.stage import Stage

OF_PAE = (*OF_FEATURES, "pae", "calibration.held_out")
OF_CLASSIFIER = (*OF_PAE, *OF_CROPS, "loss")

CHOICES = {
    "loss.form": FORMS,
    "scores": ("both", "embedding"),
}

RANGES = {
    **CROP_RANGES,
    **{f"pae.{key}": limits for key, limits in NETWORK_RANGES.items()},
    "train.momentum": (0.0, 1.0),
    "loss.balance": (0.0, math.inf),
    "loss.ramp_start": (0, math.inf),
    "loss.ramp_end": (0, math.inf),
}


def fit(run: Run, say: Say) -> None:
    """Trains the autoencoders, then the classifier, and writes the detector."""
    config = run.config
    check_choices(config, CHOICES)
    check_ranges(config, RANGES)
    weights = gammas(config, sorted(run.train_clips["machine"].unique()))
    names, of_clip = machine_ids(run)
    data = frame_data(run, say)
    data.check_size("crop.frames", config.crop.frames)
    say_what_is_held_out(run, data, say)
    build = functools.partial(pae.build, config.pae)
    autoencoders = train_machines(run, data, config.pae, build, OF_PAE, say)
    embedding = train_classifier(run, data, autoencoders, len(names), of_clip, say)
    extractors = {"embedding": embedding}
    if config.scores == "both":
        extractors |= {one.extractor: one.folder for one in autoencoders.values()}
    scorers = functools.partial(scorers_of, config, autoencoders, weights)
    fit_detector(run, extractors, scorers, say, data.calibrates)


def gammas(config: ml_collections.ConfigDict, machines: list[str]) -> dict[str, float | str]:
    """Returns the weight of the distance in eq. 4 for each machine: a number, or `matched`.

    Raises:
        UsageError: If `fusion.gamma` is neither a positive number nor a word that is known, or a
            machine has no published one.
    """
    gamma = config.fusion.gamma
    if gamma == "matched":
        return dict.fromkeys(machines, gamma)
    if gamma == "published":
        unknown = [machine for machine in machines if machine not in config.fusion.published]
        if unknown:
            raise UsageError(
                f"fusion.gamma=published: the paper has none for {', '.join(unknown)}; "
                "use matched or a number"
            )
        return {machine: config.fusion.published[machine] for machine in machines}
    try:
        number = float(gamma)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise UsageError(f"fusion.gamma={gamma}: use matched, published, or a number from 0 on")
    return dict.fromkeys(machines, number)


def train_classifier(
    run: Run,
    data: FrameData,
    autoencoders: Mapping[str, Trained],
    classes: int,
    of_clip: np.ndarray,
    say: Say,
) -> Path:
    """Trains ResNet18 on crops and their reconstructions, and exports it (Section 2.2)."""
    config = run.config
    stage = run.stage("classifier", OF_CLASSIFIER)
    rows = data.rows(of_clip >= 0)
    steps = steps_of_epoch(config.train, rows)
    networks = [one.network for one in autoencoders.values()]
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        bands = data.levels.shape[2]
        core = crop_resnet(config, bands, *level_statistics(stage, data.levels, rows))
        model = training_model(config, core, networks, classes, steps)
    train_network(
        run,
        stage,
        model,
        functools.partial(labelled_crops, run, data, stage, rows, of_clip),
        epochs=config.train.epochs,
        steps_per_epoch=steps,
        say=say,
        callbacks=[balance_schedule(config, model, steps)],
    )
    export = run.stage("extractor", OF_CLASSIFIER)
    return export_crops(data, core, even_starts(config, data), export)


def training_model(
    config: ml_collections.ConfigDict,
    core: keras.Model,
    autoencoders: list[keras.Model],
    classes: int,
    steps_per_epoch: int,
) -> keras.Model:
    """Adds reconstructions and losses and compiles: (crop, id, machine, places) to logits."""
    crop = keras.Input(core.input_shape[1:], name="crop")
    windows = config.crop.frames // config.pae.network.frames
    machine_id, machine = (keras.Input([], name=name, dtype="int32") for name in ("id", "machine"))
    places = keras.Input([windows], name="places", dtype="int32")
    reconstruction = ReconstructFrames(autoencoders, name="reconstruction")([crop, machine, places])
    both = keras.layers.Concatenate(axis=0, dtype="float32", name="both")([crop, reconstruction])
    logits = GenerativeContrastiveLoss(
        classes,
        form=config.loss.form,
        temperature=config.loss.temperature,
        normalise=config.loss.normalise,
        l2=half_decay(config),
        name="loss",
    )([core(both), machine_id])
    model = keras.Model([crop, machine_id, machine, places], logits)
    model.compile(stepwise_sgd(config.train, steps_per_epoch))
    return model


def balance_schedule(
    config: ml_collections.ConfigDict, model: keras.Model, steps_per_epoch: int
) -> StepSchedule:
    """Makes the callback that sets lambda (Section 2.2, "ramp-up")."""
    loss = config.loss

    def balance(step: int) -> float:
        start, end = loss.ramp_start * steps_per_epoch, loss.ramp_end * steps_per_epoch
        return linear_ramp(step, start, end, loss.balance)

    return StepSchedule(model.get_layer("loss").balance, balance, steps_per_epoch)


def labelled_crops(
    run: Run,
    data: FrameData,
    stage: Stage,
    rows: np.ndarray,
    of_clip: np.ndarray,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((crop, id, machine, places),) from a step on; places say which frames to replace."""
    config, machines = run.config, run.train_clips["machine"]
    ids = tf.constant(of_clip, tf.int32)
    numbers = tf.constant(np.unique(machines, return_inverse=True)[1], tf.int32)
    size = config.pae.network.frames
    windows = config.crop.frames // size

    def label(step, row, crop):
        seed = tf.stack([tf.cast(stage.seed, tf.int64), step])
        shape = [config.train.batch_size, windows]
        places = tf.random.stateless_uniform(shape, seed, 0, size, tf.int32)
        return ((crop, tf.gather(ids, row), tf.gather(numbers, row), places),)

    stream = crop_stream(run, data, stage, rows, first_step)
    return stream.map(label, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def scorers_of(
    config: ml_collections.ConfigDict,
    autoencoders: Mapping[str, Trained],
    weights: Mapping[str, float | str],
    group: Group,
) -> list[dict[str, Any]]:
    """Describes the scorers of a machine id: prediction error + gamma x distance (eq. 4)."""
    distance = {
        **scorer_of(config, "embedding"),
        "fit_on": "items",
        "score_on": "items",
        "name": "distance",
    }
    if config.scores == "embedding":
        return [distance]
    machine, _ = group
    return [error_scorer(autoencoders[machine]), {**distance, "weight": weights[machine]}]
