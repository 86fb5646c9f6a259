"""MobileNetV2 as in the baselines of DCASE 2021 and 2022 (Kawaguchi et al., DCASE 2021).

For each machine, the network tells apart its sections by 64 frames of the log-mel spectrogram. How
unlikely the own section is, averaged over the crops of a clip, is the anomaly score.
"""

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.config import check_choices, check_ranges
from asd_tf.detector.base import Group
from asd_tf.errors import InputError
from asd_tf.methods.assembly import fit_detector
from asd_tf.methods.crop_networks import (
    CROP_RANGES,
    OF_CROPS,
    crop_stream,
    export_crops,
    steps_of_epoch,
)
from asd_tf.methods.frame_data import FrameData, frame_data
from asd_tf.methods.frame_models import Trained, extractor_name, say_what_is_held_out
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.models.class_surprise import FORMS, ClassSurprise
from asd_tf.models.mobilenet_v2 import mobilenet_v2
from asd_tf.run import Run

_RANGES = {**CROP_RANGES, "crop.frames": (32, 10**6), "crop.hop": (1, 10**6)}
del _RANGES["crop.in_scoring"]


def fit(run: Run, say: Say) -> None:
    """Trains a classifier of sections for each machine, and writes the detector."""
    check_choices(run.config, {"score": FORMS})
    check_ranges(run.config, _RANGES)
    sections = sections_of_machines(run)
    data = frame_data(run, say)
    data.check_size("crop.frames", run.config.crop.frames)
    say_what_is_held_out(run, data, say)
    trained = {
        machine: _train_machine(run, data, index, machine, names, say)
        for index, (machine, names) in enumerate(sections.items())
    }

    def scorers(group: Group) -> list[dict]:
        machine, section = group
        column = {"column": sections[machine].index(section)}
        return [
            {
                "extractor": trained[machine].extractor,
                "backend": {"members": {"section": {"estimator": "AsScore", "params": column}}},
                "score_on": "items",
                "pool": "mean",
            }
        ]

    extractors = {one.extractor: one.folder for one in trained.values()}
    fit_detector(run, extractors, scorers, say, data.calibrates)


def sections_of_machines(run: Run) -> dict[str, list[str]]:
    """Returns the sections of each machine, both in the order of their names.

    Raises:
        InputError: If a machine has fewer than two.
    """
    by_machine = run.train_clips.groupby("machine", sort=True)["section"]
    sections = {machine: sorted(names) for machine, names in by_machine.unique().items()}
    for machine, names in sections.items():
        if len(names) < 2:
            raise InputError(
                f"{machine} has 1 section, and this method learns by telling at least 2 sections "
                "of a machine apart: use --method=resnet18, which tells apart all machines"
            )
    return sections


def _train_machine(
    run: Run, data: FrameData, index: int, machine: str, sections: list[str], say: Say
) -> Trained:
    """Trains and exports the classifier of a machine."""
    config, clips = run.config, run.train_clips
    name = extractor_name(index, machine)
    stage = run.stage(name, OF_CROPS)
    rows = data.rows((clips["machine"] == machine).to_numpy(bool))
    steps = steps_of_epoch(config.train, rows)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        model = classifier(config, data.levels.shape[2], len(sections))
    labels = tf.constant(clips["section"].map(_number(sections)).fillna(0).to_numpy(np.int32))

    def batches(first_step: int) -> tf.data.Dataset:
        stream = crop_stream(run, data, stage, rows, first_step)
        return stream.map(lambda step, row, crop: (crop, tf.gather(labels, row))).prefetch(2)

    train_network(
        run, stage, model, batches, epochs=config.train.epochs, steps_per_epoch=steps, say=say
    )
    surprise = keras.Model(model.input, ClassSurprise(config.score)(model.output))
    starts = np.arange(0, data.levels.shape[1] - config.crop.frames + 1, config.crop.hop)
    folder = export_crops(data, surprise, starts, run.stage(f"{name}-extractor", OF_CROPS))
    return Trained(model, name, folder)


def classifier(config: ml_collections.ConfigDict, bands: int, sections: int) -> keras.Model:
    """Builds and compiles the network: levels [batch, frames, bands] in dB to logits."""
    crop = keras.Input([config.crop.frames, bands], name="crop")
    model = keras.Model(crop, mobilenet_v2(crop, alpha=config.network.alpha, classes=sections))
    model.compile(
        keras.optimizers.Adam(config.train.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def _number(sections: list[str]) -> dict[str, int]:
    return {section: index for index, section in enumerate(sections)}
