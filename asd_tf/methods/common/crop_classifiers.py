"""Classifiers trained on random or on all crops of log-mels and scored on evenly spaced ones."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.data.frame_features import count_windows, crop_batches, window_batches
from asd_tf.methods.common.class_labels import class_names, number_classes
from asd_tf.methods.common.log_mel_cache import OF_FEATURES, LogMelCache
from asd_tf.models.heads.crops import ApplyToCrops, evenly_spaced
from asd_tf.models.resnet import resnet18
from asd_tf.run import networks
from asd_tf.run.run import Run
from asd_tf.training.stage import Stage

OF_CROPS = (*OF_FEATURES, "crop", "network", "train", "calibration.held_out")


def machine_ids(train_clips: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Numbers the machine ids, which are machine and section.

    Returns:
        Their names, and the id of each clip [clips] int.

    Raises:
        InputError: If there are fewer than two.
    """
    return number_classes(class_names(train_clips, attributes=False, domains=False))


def crop_stream(
    run: Run, cache: LogMelCache, stage: Stage, indices: np.ndarray, first_step: int
) -> tf.data.Dataset:
    """Streams (step, index, crop) from a step on; see `crop_batches`."""
    config = run.config
    return crop_batches(
        cache.log_mel_db, indices, config.crop.frames, config.train.batch_size, stage.seed,
        stage.seed_word, first_step,
    )  # fmt: skip


def train_classifier(
    run: Run,
    cache: LogMelCache,
    stage: Stage,
    model: keras.Model,
    indices: np.ndarray,
    class_ids: np.ndarray,
    hop: int | None = None,
) -> None:
    """Trains a classifier of crops on some clips.

    Args:
        run: The run; `train` of its recipe is that of the classifier.
        cache: The log-mels.
        stage: The stage, which is finished afterwards.
        model: Compiled: crops [batch, frames, bands] in dB to logits [batch, classes].
        indices: Indices of the clips to train on.
        class_ids: [clips] int, class of each training clip.
        hop: Frames between the crops of a clip, all of which an epoch has; None for one crop of
            each clip, at a random place.
    """
    train, class_ids = run.config.train, tf.constant(class_ids, tf.int32)
    size = run.config.crop.frames

    def batches(first_step: int) -> tf.data.Dataset:
        if hop is None:
            crops = crop_stream(run, cache, stage, indices, first_step)
        else:
            crops = window_batches(
                cache.log_mel_db, indices, size, train.batch_size, stage.seed, stage.seed_word,
                first_step, hop,
            )  # fmt: skip
        return crops.map(lambda step, index, crop: (crop, tf.gather(class_ids, index))).prefetch(2)

    crops_per_clip = 1 if hop is None else count_windows(cache.frames, size, hop)
    steps = networks.steps_per_epoch(train, len(indices) * crops_per_clip)
    networks.train(run, stage, model, batches, epochs=train.epochs, steps_per_epoch=steps)


def crop_resnet(
    config: ml_collections.ConfigDict, bands: int, mean: float, std: float
) -> keras.Model:
    """Builds ResNet18: log-mels in dB [batch, frames, bands] to embeddings [batch, D]."""
    crop = keras.Input([config.crop.frames, bands], name="crop")
    x = keras.layers.Rescaling(1 / std, -mean / std, dtype="float32", name="standardized")(crop)
    embedding = resnet18(
        x, width=config.network.width, embedding=config.network.embedding, l2=half_decay(config)
    )
    return keras.Model(crop, embedding, name="resnet18")


def half_decay(config: ml_collections.ConfigDict) -> float:
    """Returns the L2 factor, of the squared weights, that equals the recipe's weight decay."""
    return config.train.weight_decay / 2


def stepwise_sgd(train: ml_collections.ConfigDict, steps_per_epoch: int) -> keras.optimizers.SGD:
    """Makes SGD whose learning rate drops after given epochs (Section 3.2 of GeCo)."""
    rates = [train.learning_rate * train.drop**n for n in range(len(train.drop_after) + 1)]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        # At the boundary itself Keras still uses the rate before it.
        [epoch * steps_per_epoch - 1 for epoch in train.drop_after],
        rates,
    )
    return keras.optimizers.SGD(schedule, momentum=train.momentum)


def on_crops(
    cache: LogMelCache, network: keras.Model, starts: Sequence[int]
) -> Callable[[Stage], keras.Model]:
    """Returns a function that builds waveform to features of crops [batch, crops, D].

    Args:
        cache: The log-mels, whose frontend is used.
        network: Crops [batch, frames, bands] in dB to [batch, D].
        starts: The first frame of each crop.
    """

    def build(stage: Stage) -> keras.Model:
        waveform = cache.frontend.input
        features = ApplyToCrops(network, starts, name="crops")(cache.frontend(waveform))
        return keras.Model(waveform, features)

    return build


def export_even_crops(run: Run, cache: LogMelCache, network: keras.Model, depends_on) -> Path:
    """Exports the network on the evenly spaced crops of a clip that are scored, once."""
    crop = run.config.crop
    starts = evenly_spaced(cache.frames, crop.frames, crop.num_eval_crops)
    return networks.export(run, "extractor", depends_on, on_crops(cache, network, starts))
