"""What methods share whose network sees random crops of log-mels, and even ones in scoring."""

import math
from collections.abc import Sequence
from pathlib import Path

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.data.frame_features import crop_batches
from asd_tf.detector.extractor import export_extractor
from asd_tf.methods.classes import class_names, number_classes
from asd_tf.methods.frame_data import OF_FEATURES, FrameData
from asd_tf.models.crops import OnCrops, evenly_spaced
from asd_tf.models.resnet18 import resnet18
from asd_tf.run import Run
from asd_tf.training.stage import Stage

OF_CROPS = (*OF_FEATURES, "crop", "network", "train", "calibration.held_out")

CROP_RANGES = {
    "data.seconds": (0.2, math.inf),
    "crop.frames": (5, math.inf),
    "crop.in_scoring": (1, math.inf),
    "train.epochs": (1, math.inf),
    "train.batch_size": (2, math.inf),
    "train.learning_rate": (0.0, math.inf),
    "train.steps_per_epoch": (1, math.inf),
    "calibration.held_out": (0.0, 0.5),
}


def machine_ids(run: Run) -> tuple[list[str], np.ndarray]:
    """Numbers the machine ids, which are machine and section: names, and that of each clip.

    Raises:
        InputError: If there are fewer than two.
    """
    return number_classes(class_names(run.train_clips, attributes=False, domains=False))


def steps_of_epoch(train: ml_collections.ConfigDict, rows: np.ndarray) -> int:
    """Returns the steps that the recipe says, or as many as it takes to see `rows` once."""
    return train.steps_per_epoch or math.ceil(len(rows) / train.batch_size)


def crop_stream(
    run: Run, data: FrameData, stage: Stage, rows: np.ndarray, first_step: int
) -> tf.data.Dataset:
    """Streams (step, row, crop) from a step on; see `crop_batches`."""
    config = run.config
    return crop_batches(
        data.levels, rows, config.crop.frames, config.train.batch_size, stage.seed,
        stage.folder.name, first_step,
    )  # fmt: skip


def crop_resnet(
    config: ml_collections.ConfigDict, bands: int, mean: float, sd: float
) -> keras.Model:
    """Builds ResNet18: levels [batch, frames, bands] in dB, standardised inside, to [batch, D]."""
    crop = keras.Input([config.crop.frames, bands], name="crop")
    x = keras.layers.Rescaling(1 / sd, -mean / sd, dtype="float32", name="standardised")(crop)
    embedding = resnet18(
        x, width=config.network.width, embedding=config.network.embedding, l2=half_decay(config)
    )
    return keras.Model(crop, embedding, name="resnet18")


def half_decay(config: ml_collections.ConfigDict) -> float:
    """Returns the factor of the squared weights that is the recipe's weight decay."""
    return config.train.weight_decay / 2


def stepwise_sgd(train: ml_collections.ConfigDict, steps_per_epoch: int) -> keras.optimizers.SGD:
    """Makes SGD whose learning rate drops behind some epochs (Section 3.2 of GeCo)."""
    rates = [train.learning_rate * train.drop**n for n in range(len(train.drop_after) + 1)]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        # The boundary itself still has the former rate.
        [epoch * steps_per_epoch - 1 for epoch in train.drop_after],
        rates,
    )
    return keras.optimizers.SGD(schedule, momentum=train.momentum)


def export_crops(
    data: FrameData, network: keras.Model, starts: Sequence[int], stage: Stage
) -> Path:
    """Exports the network on crops of a waveform's log-mels, [batch, crops, D]; once."""
    folder = stage.folder / "extractor"
    if not stage.done:
        waveform = data.frontend.input
        features = OnCrops(network, starts, name="crops")(data.frontend(waveform))
        export_extractor(keras.Model(waveform, features), folder)
        stage.finish()
    return folder


def even_starts(config: ml_collections.ConfigDict, data: FrameData) -> np.ndarray:
    """Returns where the crops of a clip begin that are scored."""
    return evenly_spaced(data.levels.shape[1], config.crop.frames, config.crop.in_scoring)
