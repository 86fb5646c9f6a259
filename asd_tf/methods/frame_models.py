"""What methods share whose score is how badly the frames of a clip are predicted.

One network for each machine learns from windows of log-mel frames of its normal clips. The error of
each frame is the evidence, their mean the score of a clip. Scores are calibrated on clips that were
held out of the training.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from asd_tf.data.frame_features import load_frame_features, window_batches, write_frame_features
from asd_tf.data.inspection import explain_failure
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import export_extractor
from asd_tf.errors import InputError
from asd_tf.files import read_json, write_json
from asd_tf.frontends.mel import LogMel
from asd_tf.methods.assembly import fit_detector
from asd_tf.methods.held_out import hold_out
from asd_tf.methods.progress import Say, progress_over
from asd_tf.methods.training import train_network
from asd_tf.run import Run
from asd_tf.training.stage import Stage

OF_FEATURES = ("data", "frontend")
OF_NETWORK = (*OF_FEATURES, "network", "train", "calibration.held_out")

FRAME_RANGES = {
    "data.seconds": (0.2, math.inf),
    "network.frames": (2, math.inf),
    "train.epochs": (1, math.inf),
    "train.batch_size": (1, math.inf),
    "train.learning_rate": (0.0, math.inf),
    "train.steps_per_epoch": (1, math.inf),
    "calibration.held_out": (0.0, 0.5),
}

# Clips whose levels stand in memory at a time.
_CHUNK = 256


class FrameModel(NamedTuple):
    """A network on windows, compiled, and how it is fed and read.

    Attributes:
        training: The compiled model.
        examples: From (windows [batch, size, bands], seed [2]) to (inputs, targets) of `training`.
        errors: Layer from features [batch, frames, bands] to errors [batch, items, 1].
    """

    training: keras.Model
    examples: Callable[[tf.Tensor, tf.Tensor], tuple]
    errors: keras.layers.Layer


# From (bands, mean of the levels, their standard deviation, steps in an epoch) to a model.
Build = Callable[[int, float, float, int], FrameModel]


def fit_frame_models(run: Run, build: Build, say: Say) -> None:
    """Trains and exports a network for each machine, and writes the detector."""
    clips, config = run.train_clips, run.config
    held_out = hold_out(clips, config.calibration.held_out, run.settings.seed)
    machines = sorted(clips["machine"].unique())
    say(
        f"{len(clips)} normal clips of {len(machines)} machines, {held_out.sum()} of them held out "
        "to calibrate"
    )
    frontend = log_mel_model(run)
    features = _features_stage(run, frontend, say)
    extractors = {}
    for index, machine in enumerate(machines):
        name = extractor_name(index, machine)
        rows = np.flatnonzero((clips["machine"] == machine).to_numpy() & ~held_out)
        extractors[name] = _train_machine(run, name, frontend, features, rows, build, say)
    of_machine = dict(zip(machines, extractors, strict=True))

    def scorers(group: Group) -> list[dict]:
        members = {"error": {"estimator": "AsScore"}}
        return [
            {
                "extractor": of_machine[group[0]],
                "backend": {"members": members},
                "fit_on": "mean",
                "score_on": "items",
                "pool": "mean",
            }
        ]

    fit_detector(run, extractors, scorers, say, held_out)


def extractor_name(index: int, machine: str) -> str:
    """Returns the name of a machine's extractor, which is one of a folder too."""
    return f"{index:02d}-" + re.sub(r"[^A-Za-z0-9.-]+", "_", machine)[:40].lstrip(".")


def log_mel_model(run: Run) -> keras.Model:
    """Builds waveform [batch, N] to log-mels in dB [batch, frames, bands]."""
    config = run.config
    waveform = keras.Input([run.samples], name="waveform")
    layer = LogMel(config.data.sample_rate, config.frontend.n_mels, bands="slaney", center=True)
    return keras.Model(waveform, layer(waveform), name="frontend")


def _features_stage(run: Run, frontend: keras.Model, say: Say) -> Path:
    """Writes the log-mels of all training clips to disk, once."""
    stage = run.stage("features", OF_FEATURES)
    path = stage.folder / "features.npy"
    if not stage.done:
        clips, sample_rate = run.train_clips, run.config.data.sample_rate
        say("write the log-mels of the training clips to disk")
        with progress_over(len(clips), "log-mels") as progress:
            ok = write_frame_features(path, frontend, clips, sample_rate, progress)
        if not ok.all():
            unknown = InputError(f"{clips['path'][~ok].iloc[0]}: cannot be read")
            raise explain_failure(clips[~ok], sample_rate) or unknown
        stage.finish()
    return path


def _train_machine(
    run: Run,
    name: str,
    frontend: keras.Model,
    features: Path,
    rows: np.ndarray,
    build: Build,
    say: Say,
) -> Path:
    """Trains and exports the network of a machine; returns the folder of its extractor."""
    config, stage = run.config, run.stage(name, OF_NETWORK)
    levels = load_frame_features(features)
    size, bands = config.network.frames, levels.shape[2]
    windows = len(rows) * (levels.shape[1] - size + 1)
    steps = config.train.steps_per_epoch or math.ceil(windows / config.train.batch_size)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        model = build(bands, *_level_statistics(stage, levels, rows), steps)

    def batches(first_step: int) -> tf.data.Dataset:
        stream = window_batches(
            levels, rows, size, config.train.batch_size, stage.seed, name, first_step
        )

        def examples(step, windows):
            return model.examples(windows, tf.stack([tf.cast(stage.seed, tf.int64), step]))

        return stream.map(examples, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)

    train_network(
        run, stage, model.training, batches,
        epochs=config.train.epochs, steps_per_epoch=steps, say=say,
    )  # fmt: skip
    export = run.stage(f"{name}-extractor", OF_NETWORK)
    if not export.done:
        waveform = frontend.input
        network = keras.Model(waveform, model.errors(frontend(waveform)))
        export_extractor(network, export.folder / "extractor")
        export.finish()
    return export.folder / "extractor"


def _level_statistics(stage: Stage, levels: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Returns mean and standard deviation of a machine's levels, in dB; kept in the stage."""
    path = stage.folder / "levels.json"
    if not path.exists():
        count, total, squares = 0, 0.0, 0.0
        for start in range(0, len(rows), _CHUNK):
            chunk = levels[rows[start : start + _CHUNK]].astype(np.float64)
            count, total = count + chunk.size, total + chunk.sum()
            squares += np.square(chunk).sum()
        mean = total / count
        write_json(path, {"mean": mean, "sd": max(squares / count - mean**2, 1e-6) ** 0.5})
    values = read_json(path)
    return values["mean"], values["sd"]
