"""MobileNetV2 as in the baselines of DCASE 2021 and 2022 (Kawaguchi et al., DCASE 2021).

For each machine, a network classifies its sections from 64 frames of the log-mel spectrogram. The
anomaly score is the negative log-odds of the clip's own section, averaged over its crops.
"""

import keras
import ml_collections
import numpy as np
import pandas as pd

from asd_tf.backends.registry import build_backend
from asd_tf.data.groups import Group
from asd_tf.errors import InputError
from asd_tf.methods.common.checks import check_frames, check_recipe
from asd_tf.methods.common.crop_classifiers import OF_CROPS, on_crops, train_classifier
from asd_tf.methods.common.frame_prediction import FIRST_MACHINE, Trained, extractor_name
from asd_tf.methods.common.log_mel_cache import (
    LogMelCache,
    log_held_out,
    log_mel_cache,
    log_mel_model,
)
from asd_tf.models.heads.class_log_odds import FORMS, ClassLogOdds
from asd_tf.models.mobilenet_v2 import mobilenet_v2
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.compiling import compile_network

CHOICES = {"score": FORMS, "train.crops": ("all", "random")}
LIMITS = {
    "crop.frames": (32, 10**6),
    "network.alpha": (0.05, 4.0),
    "train.batch_size": (2, 2**16),
}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    sections_of_machines(clips[clips["split"] == "train"])
    check_frames(config, "crop.frames", log_mel_model(config))


def fit(run: Run) -> None:
    """Trains a classifier of sections for each machine, and writes the detector."""
    sections = sections_of_machines(run.train_clips)
    cache = log_mel_cache(run)
    log_held_out(run, cache.held_out)
    trained = {
        machine: _train_machine(run, cache, index, machine, names)
        for index, (machine, names) in enumerate(sections.items())
    }

    def scorers(group: Group) -> list[Scorer]:
        machine, section = group
        column = {"column": sections[machine].index(section)}
        own_section = {"members": {"section": {"estimator": "AsScore", "params": column}}}
        name = trained[machine].extractor
        return [Scorer(name, build_backend(own_section), score_on="items", pool="mean")]

    extractors = {network.extractor: network.folder for network in trained.values()}
    fit_detector(run, extractors, scorers, held_out=cache.calibrates)


def sections_of_machines(train_clips: pd.DataFrame) -> dict[str, list[str]]:
    """Returns the sections of each machine, both in the order of their names.

    Raises:
        InputError: If a machine has fewer than two.
    """
    by_machine = train_clips.groupby("machine", sort=True)["section"]
    sections = {machine: sorted(names) for machine, names in by_machine.unique().items()}
    for machine, names in sections.items():
        if len(names) < 2:
            raise InputError(
                f"{machine} has 1 section, and this method classifies the sections of a machine "
                "and needs at least 2: use --method=resnet18, which classifies all machines"
            )
    return sections


def _train_machine(
    run: Run, cache: LogMelCache, index: int, machine: str, sections: list[str]
) -> Trained:
    """Trains and exports the classifier of a machine."""
    config, clips = run.config, run.train_clips
    name = extractor_name(index, machine)
    stage = run.stage(name, OF_CROPS, order=FIRST_MACHINE + 2 * index)
    indices = cache.indices((clips["machine"] == machine).to_numpy(bool))
    model = networks.build(run, stage.seed, lambda: classifier(config, cache.bands, len(sections)))
    section_ids = {section: number for number, section in enumerate(sections)}
    class_ids = clips["section"].map(section_ids).fillna(0).to_numpy(np.int32)
    hop = config.crop.hop if config.train.crops == "all" else None
    train_classifier(run, cache, stage, model, indices, class_ids, hop)
    log_odds = keras.Model(model.input, ClassLogOdds(config.score)(model.output))
    starts = np.arange(0, cache.frames - config.crop.frames + 1, config.crop.hop)
    folder = networks.export(run, f"{name}-extractor", OF_CROPS, on_crops(cache, log_odds, starts))
    return Trained(model, name, folder)


def classifier(config: ml_collections.ConfigDict, bands: int, sections: int) -> keras.Model:
    """Builds and compiles the network: log-mels [batch, frames, bands] in dB to logits."""
    crop = keras.Input([config.crop.frames, bands], name="crop")
    model = keras.Model(crop, mobilenet_v2(crop, alpha=config.network.alpha, classes=sections))
    compile_network(
        model,
        keras.optimizers.Adam(config.train.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model
