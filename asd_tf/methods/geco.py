"""GeCo (Zeng et al., ICASSP 2023).

"Joint generative-contrastive representation learning for anomalous sound detection". For each
machine, a predictive autoencoder (PAE) learns to predict a frame from its neighbors (Section 2.1).
A ResNet18 then learns to classify machine ids and, within each, to separate clips from their
reconstructions by the PAE (2.2). The score is the prediction error of the PAE plus the weighted
distance of the embedding from the center of its machine id (2.3).
"""

import functools
import math
from collections.abc import Mapping
from pathlib import Path

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.config import usage_errors
from asd_tf.data.groups import Group
from asd_tf.errors import UsageError
from asd_tf.losses.generative_contrastive import FORMS, GenerativeContrastiveLoss
from asd_tf.methods import pae
from asd_tf.methods.common.checks import check_frames, check_multiple, check_recipe
from asd_tf.methods.common.crop_classifiers import (
    OF_CROPS,
    crop_resnet,
    crop_stream,
    export_even_crops,
    half_decay,
    machine_ids,
    stepwise_sgd,
)
from asd_tf.methods.common.frame_prediction import (
    FIRST_MACHINE,
    Trained,
    error_scorer,
    machines_of,
    train_machines,
)
from asd_tf.methods.common.log_mel_cache import (
    OF_FEATURES,
    LogMelCache,
    log_held_out,
    log_mel_cache,
    log_mel_model,
    log_mel_statistics,
)
from asd_tf.models.layers.reconstruct_frames import ReconstructFrames
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.compiling import compile_network
from asd_tf.training.schedules import StepSchedule, linear_ramp
from asd_tf.training.stage import Stage

OF_PAE = (*OF_FEATURES, "pae", "calibration.held_out")
OF_CLASSIFIER = (*OF_PAE, *OF_CROPS, "loss")

CHOICES = {
    "loss.form": FORMS,
    "scores": ("both", "embedding"),
}
LIMITS = {
    "train.batch_size": (2, 2**16),
    "crop.frames": (5, 10**6),
    "pae.network.frames": (2, 1000),
    "loss.balance": (0.0, 1e6),
    "loss.ramp_start": (0, 10**6),
    "loss.ramp_end": (0, 10**6),
    "loss.temperature": (1e-3, 1e3),
}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    train_clips = clips[clips["split"] == "train"]
    frontend = log_mel_model(config)
    check_frames(config, "crop.frames", frontend)
    check_frames(config, "pae.network.frames", frontend)
    for key in ("pae.network.encoder", "pae.network.decoder"):
        check_multiple(config, key, "pae.network.heads")
    if config.pae.network.frames > config.crop.frames:
        raise UsageError(
            f"pae.network.frames={config.pae.network.frames}: must be at most "
            f"crop.frames={config.crop.frames}"
        )
    with usage_errors(config):
        loss_layer(config, classes=2)
    gammas(config, sorted(train_clips["machine"].unique()))
    machine_ids(train_clips)
    distance_scorer(config, 1.0)


def fit(run: Run) -> None:
    """Trains the autoencoders, then the classifier, and writes the detector."""
    config = run.config
    weights = gammas(config, machines_of(run))
    names, class_ids = machine_ids(run.train_clips)
    cache = log_mel_cache(run)
    log_held_out(run, cache.held_out)
    build = functools.partial(pae.build, config.pae)
    autoencoders = train_machines(run, cache, config.pae, build, OF_PAE)
    extractors = {"embedding": train_classifier(run, cache, autoencoders, len(names), class_ids)}
    if config.scores == "both":
        extractors |= {network.extractor: network.folder for network in autoencoders.values()}
    scorers = functools.partial(scorers_of, config, autoencoders, weights)
    fit_detector(run, extractors, scorers, held_out=cache.calibrates)


def gammas(config: ml_collections.ConfigDict, machines: list[str]) -> dict[str, float | str]:
    """Returns the weight of the distance in eq. 4 for each machine: a number, or `matched`.

    Raises:
        UsageError: If `fusion.gamma` is neither a number from 0 on nor a known word, or a machine
            has no published gamma.
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
    cache: LogMelCache,
    autoencoders: Mapping[str, Trained],
    classes: int,
    class_ids: np.ndarray,
) -> Path:
    """Trains ResNet18 on crops and their reconstructions, and exports it (Section 2.2)."""
    config = run.config
    stage = run.stage("classifier", OF_CLASSIFIER, order=FIRST_MACHINE + 2 * len(autoencoders))
    indices = cache.indices(class_ids >= 0)
    steps = networks.steps_per_epoch(config.train, len(indices))
    mean, std = log_mel_statistics(stage, cache.log_mel_db, indices)

    def build() -> tuple[keras.Model, keras.Model]:
        core = crop_resnet(config, cache.bands, mean, std)
        trained = [autoencoder.network for autoencoder in autoencoders.values()]
        return core, training_model(config, core, trained, classes, steps)

    core, model = networks.build(run, stage.seed, build)
    networks.train(
        run,
        stage,
        model,
        functools.partial(labeled_crops, run, cache, stage, indices, class_ids),
        epochs=config.train.epochs,
        steps_per_epoch=steps,
        callbacks=[balance_schedule(config, model, steps)],
    )
    return export_even_crops(run, cache, core, OF_CLASSIFIER)


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
    logits = loss_layer(config, classes)([core(both), machine_id])
    model = keras.Model([crop, machine_id, machine, places], logits)
    compile_network(model, stepwise_sgd(config.train, steps_per_epoch))
    return model


def loss_layer(config: ml_collections.ConfigDict, classes: int) -> GenerativeContrastiveLoss:
    """Makes the layer that adds the losses of Section 2.2."""
    return GenerativeContrastiveLoss(
        classes,
        form=config.loss.form,
        temperature=config.loss.temperature,
        normalize=config.loss.normalize,
        l2=half_decay(config),
        name="loss",
    )


def balance_schedule(
    config: ml_collections.ConfigDict, model: keras.Model, steps_per_epoch: int
) -> StepSchedule:
    """Makes the callback that sets lambda (Section 2.2, "ramp-up")."""
    loss = config.loss

    def balance(step: int) -> float:
        start, end = loss.ramp_start * steps_per_epoch, loss.ramp_end * steps_per_epoch
        return linear_ramp(step, start, end, loss.balance)

    return StepSchedule(model.get_layer("loss").balance, balance, steps_per_epoch)


def labeled_crops(
    run: Run,
    cache: LogMelCache,
    stage: Stage,
    indices: np.ndarray,
    class_ids: np.ndarray,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((crop, id, machine, places),) from a step on.

    `places` [batch, windows] is the position, in each window of a crop, of the frame that the PAE
    replaces.
    """
    config, machines = run.config, run.train_clips["machine"]
    ids = tf.constant(class_ids, tf.int32)
    machine_numbers = tf.constant(np.unique(machines, return_inverse=True)[1], tf.int32)
    size = config.pae.network.frames
    windows = config.crop.frames // size

    def label(step, index, crop):
        shape = [config.train.batch_size, windows]
        places = tf.random.stateless_uniform(shape, stage.step_seed(step), 0, size, tf.int32)
        return ((crop, tf.gather(ids, index), tf.gather(machine_numbers, index), places),)

    stream = crop_stream(run, cache, stage, indices, first_step)
    return stream.map(label, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def scorers_of(
    config: ml_collections.ConfigDict,
    autoencoders: Mapping[str, Trained],
    weights: Mapping[str, float | str],
    group: Group,
) -> list[Scorer]:
    """Returns the scorers of a machine id: prediction error + gamma x distance (eq. 4)."""
    if config.scores == "embedding":
        return [distance_scorer(config, 1.0)]
    machine, _ = group
    return [error_scorer(autoencoders[machine]), distance_scorer(config, weights[machine])]


def distance_scorer(config: ml_collections.ConfigDict, weight: float | str) -> Scorer:
    """Returns the scorer of the distance of a clip's crops from its machine id."""
    return scorer_of(
        config, "embedding", fit_on="items", score_on="items", name="distance", weight=weight
    )
