"""The binary classifiers of Kuroyanagi et al., DCASE 2021, alone or as an ensemble.

"An ensemble approach to anomalous sound detection based on conformer-based autoencoder and binary
classifier incorporated with metric learning", Sections 2.2 and 3.2. For each section of a machine,
a network learns to tell its clips from those of other sections and machines, which stand in for
anomalies, by binary cross-entropy and DDCSAD (eq. 6): first in the source domain, then, from there,
in the target domain, with clips mixed from both. A clip is scored by how unlikely it is to be
normal and how far from the normal ones it lies (eq. 7).
"""

import functools
import math
from pathlib import Path
from typing import Any, NamedTuple

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.config import check_choices, check_ranges
from asd_tf.data.pipeline import scoring_batches, stable_seed
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import export_extractor
from asd_tf.errors import UsageError
from asd_tf.files import read_json, write_json
from asd_tf.methods import ensembles
from asd_tf.methods.assembly import fit_detector
from asd_tf.methods.binary_networks import (
    DOMAINS,
    KINDS,
    BinaryNetwork,
    DomainNetworks,
    log_mel_model,
)
from asd_tf.methods.frame_models import extractor_name
from asd_tf.methods.held_out import hold_out, with_target
from asd_tf.methods.progress import Say
from asd_tf.methods.pseudo_anomalies import (
    POLICIES,
    ClipPools,
    labelled_batches,
    pools_of,
    target_batches,
)
from asd_tf.methods.standardisation import standardising_layer
from asd_tf.methods.training import train_network
from asd_tf.run import Run
from asd_tf.training.centroids import CentroidUpdate
from asd_tf.training.stage import Stage

# Sections of the recipe that make a network what it is.
OF_NETWORK = ("outliers", "network", "loss", "augmentation", "train", "target")
OF_LEVELS = ("data", "frontend")
DEPENDS_ON = (*OF_LEVELS, "crop", *OF_NETWORK, "ensemble.vary", "calibration.held_out")

CHOICES = {"ensemble.sections": ("own", "all")}
# Of each candidate, since these may vary.
NETWORK_CHOICES = {"network.kind": KINDS, "outliers.of": POLICIES}
RANGES = {
    "data.seconds": (0.2, math.inf),
    "crop.frames": (8, math.inf),
    "crop.in_scoring": (1, math.inf),
    "network.embedding": (1, math.inf),
    "loss.ddcsad": (0.0, math.inf),
    "loss.arcface": (0.0, math.inf),
    "train.epochs": (1, math.inf),
    "train.steps_per_epoch": (1, math.inf),
    "train.batch_size": (4, math.inf),
    "target.epochs": (1, math.inf),
    "target.steps_per_epoch": (1, math.inf),
    "target.mixup": (0.0, 1.0),
    "augmentation.noise": (0.0, 1.0),
    "augmentation.volume": (0.0, 1.0),
    "score.gamma": (0.0, 1.0),
    "score.least_spread": (0.0, math.inf),
    "calibration.held_out": (0.001, 0.5),
    **ensembles.RANGES,
}


class Classifier(NamedTuple):
    """A classifier of a section that was trained and exported.

    Attributes:
        name: Of the extractor.
        folder: Of the extractor.
        pairs: How many pairs (1 - p, d) it gives: one, or a second of the target domain.
        loss: Cross-entropy on clips held out, which chooses networks.
    """

    name: str
    folder: Path
    pairs: int
    loss: float


def fit(run: Run, say: Say) -> None:
    """Trains the classifiers of each section, and writes the detector."""
    config, clips = run.config, run.train_clips
    recipes = candidates_of(config)
    held_out = hold_out(clips, config.calibration.held_out)
    groups = sorted(set(zip(clips["machine"], clips["section"], strict=True)))
    say(
        f"{len(clips)} normal clips of {len(groups)} sections to be told from others, "
        f"{held_out.sum()} of them held out to calibrate"
    )
    frontend = log_mel_model(config, run.samples)
    check_crop(config, frontend)
    standardise = standardising_layer(run, run.stage("levels", OF_LEVELS), frontend, False)
    trained: dict[Group, list[Classifier]] = {group: [] for group in groups}
    for number, recipe in enumerate(recipes):
        with run.settings.devices.scope():
            keras.utils.set_random_seed(stable_seed(run.settings.seed, "classifier", number))
            networks = DomainNetworks(recipe, standardise, run.samples)
        for index, group in enumerate(groups):
            name = f"{extractor_name(index, '-'.join(group))}-{number}"
            pools = pools_of(clips, group, recipe.outliers.of, held_out)
            one = train_section(run, networks, pools, name, say)
            trained[group].append(one)
    chosen = {}
    for group, of_group in trained.items():
        losses = [classifier.loss for classifier in of_group]
        numbers = ensembles.best(losses, config.ensemble.size)
        chosen[group] = [of_group[number] for number in numbers]
        if len(losses) > 1:
            ensembles.say_who_entered(say, " ".join(group), numbers, losses)
    fit_detector(
        run,
        {one.name: one.folder for of_group in chosen.values() for one in of_group},
        functools.partial(scorers_of, config, chosen),
        say,
        among=with_target(clips, held_out),
    )


def candidates_of(config: ml_collections.ConfigDict) -> list[ml_collections.ConfigDict]:
    """Checks a recipe, and returns that of each network of a section.

    Raises:
        UsageError: If a value is none that is possible.
    """
    check_choices(config, CHOICES)
    check_ranges(config, RANGES)
    check_target_share(config)
    recipes = ensembles.candidates(config, OF_NETWORK)
    for recipe in recipes:
        check_choices(recipe, NETWORK_CHOICES)
    return recipes


def check_target_share(config: ml_collections.ConfigDict) -> None:
    """Checks that both kinds of clips can be had in both domains.

    Raises:
        UsageError: If not.
    """
    most = config.train.batch_size - 2
    if not 2 <= config.target.clips <= most or config.target.clips % 2 or most % 2:
        raise UsageError(
            f"target.clips={config.target.clips}: use an even number from 2 to {most}, as half of "
            f"a batch of train.batch_size={config.train.batch_size} clips, an even number too, are "
            "normal ones"
        )


def check_crop(config: ml_collections.ConfigDict, frontend: keras.Model) -> None:
    """Checks that a clip has as many frames as a crop.

    Raises:
        UsageError: If it has fewer.
    """
    frames = frontend.output_shape[1]
    if config.crop.frames > frames:
        raise UsageError(
            f"crop.frames={config.crop.frames}: a clip has {frames} frames, so use at most as many"
        )


def train_section(
    run: Run, networks: DomainNetworks, pools: ClipPools, name: str, say: Say
) -> Classifier:
    """Trains a classifier in the source and then in the target domain, and exports both."""
    recipe = networks.recipe
    source, target = networks.of_domain.values()
    stage = run.stage(f"{name}-source", DEPENDS_ON)
    source.anew.reset()
    train_domain(run, recipe, stage, source, recipe.train, pools.of_source(), say)
    pairs = 1
    if len(pools.target_normal):
        pairs = 2
        stage = run.stage(f"{name}-target", DEPENDS_ON)
        target.anew.reset()
        target.training.set_weights(source.training.get_weights())
        train_domain(run, recipe, stage, target, recipe.target, pools, say)
    export = run.stage(f"{name}-extractor", DEPENDS_ON)
    path = export.folder / "held_out.json"
    if not export.done:
        write_json(path, {"loss": held_out_loss(run, source, pools)})
        export_extractor(networks.over_crops(pairs), export.folder / "extractor")
        export.finish()
    loss = float(read_json(path)["loss"])
    return Classifier(name, export.folder / "extractor", pairs, loss)


def train_domain(
    run: Run,
    recipe: ml_collections.ConfigDict,
    stage: Stage,
    network: BinaryNetwork,
    train: ml_collections.ConfigDict,
    pools: ClipPools,
    say: Say,
) -> None:
    """Trains a classifier on the clips of its domain."""
    is_target = len(pools.target_normal) > 0
    centroids = CentroidUpdate(
        network.ddcsad,
        network.embed,
        labelled_clips(run, *pools.both_kinds(), network.samples, recipe.train.batch_size),
        adapt_norms=not is_target,
    )
    if run.settings.untrained and not stage.done:
        centroids.on_epoch_begin(0)  # which no epoch does
    stream = target_batches if is_target else labelled_batches
    train_network(
        run,
        stage,
        network.training,
        functools.partial(stream, run, recipe, stage, pools, network.samples),
        epochs=train.epochs,
        steps_per_epoch=train.steps_per_epoch,
        say=say,
        callbacks=[centroids],
    )


def labelled_clips(
    run: Run, normal: np.ndarray, outliers: np.ndarray, samples: int, batch_size: int
) -> tf.data.Dataset:
    """Streams (waveform, label [batch, 1]) of some training clips once, from their beginnings."""
    rows = np.concatenate([normal, outliers])
    label = tf.constant(np.arange(len(rows)) < len(normal), tf.float32)[:, tf.newaxis]
    clips = run.train_clips.iloc[rows].reset_index(drop=True)
    batches = scoring_batches(clips, samples, run.config.data.sample_rate, batch_size)
    return batches.map(lambda row, waveform: (waveform, tf.gather(label, row)))


def held_out_loss(run: Run, network: BinaryNetwork, pools: ClipPools) -> float:
    """Returns the cross-entropy on clips held out, both kinds weighing alike; 0 without any."""
    if not len(pools.held_normal) or not len(pools.held_outliers):
        return 0.0
    losses: dict[float, list[np.ndarray]] = {0.0: [], 1.0: []}
    for waveform, label in labelled_clips(
        run, pools.held_normal, pools.held_outliers, network.samples, run.config.train.batch_size
    ):
        logits = network.posterior(network.embed(waveform, training=False))
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(label, logits).numpy()
        for kind, found in losses.items():
            found.append(entropy[label.numpy() == kind])
    return float(np.mean([np.concatenate(found).mean() for found in losses.values()]))


def scorers_of(
    config: ml_collections.ConfigDict, chosen: dict[Group, list[Classifier]], group: Group
) -> list[dict[str, Any]]:
    """Describes the scorers of a section, whose scores are averaged (eq. 7, Section 3.2)."""
    of_machine = [other for other in chosen if other[0] == group[0]]
    sections = [group] if config.ensemble.sections == "own" else of_machine
    count = sum(len(chosen[other]) for other in sections)
    return [
        {
            "extractor": one.name,
            "backend": backend_of(config.score, one.pairs),
            "name": f"section_{section}_{number}",
            "weight": 1 / count,
        }
        for machine, section in sections
        for number, one in enumerate(chosen[machine, section])
    ]


def backend_of(score: ml_collections.ConfigDict, pairs: int) -> dict[str, Any]:
    """Describes eq. 7 by the network of a clip's domain, with distances of that domain."""
    return {
        "combine": "known",
        "members": {
            domain: {
                "estimator": "PosteriorDistance",
                "domain": domain if pairs > 1 else "all",
                "params": {**score, "pair": pair},
            }
            for pair, domain in enumerate(DOMAINS[:pairs])
        },
    }
