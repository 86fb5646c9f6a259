"""The binary classifiers of Kuroyanagi et al., DCASE 2021, alone or as an ensemble.

"An ensemble approach to anomalous sound detection based on conformer-based autoencoder and binary
classifier incorporated with metric learning", Sections 2.2 and 3.2. For each section of a machine,
a network learns to separate its clips from outliers, which are clips of other sections and
machines, by binary cross-entropy and DDCSAD (eq. 6): first in the source domain, then, from these
weights, in the target domain, with clips mixed from both. The anomaly score combines the
probability of being an outlier with the distance to the centroid of the normal clips (eq. 7).
"""

import functools
import logging
from pathlib import Path
from typing import NamedTuple

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.backends.registry import build_backend
from asd_tf.config import usage_errors
from asd_tf.data.groups import Group, groups_of
from asd_tf.data.pipeline import scoring_batches
from asd_tf.errors import UsageError
from asd_tf.files import read_json, write_json
from asd_tf.methods.common import ensembles
from asd_tf.methods.common.checks import check_frames, check_recipe, samples_of
from asd_tf.methods.common.frame_prediction import extractor_name
from asd_tf.methods.common.held_out import hold_out, with_target
from asd_tf.methods.common.standardization import standardizing_layer
from asd_tf.methods.kuroyanagi.classifier_networks import (
    KINDS,
    BinaryNetwork,
    DomainNetworks,
    backend_of,
    log_mel_model,
)
from asd_tf.methods.kuroyanagi.outlier_batches import (
    ClipPools,
    pools_of,
    source_batches,
    target_batches,
)
from asd_tf.methods.kuroyanagi.outlier_policies import POLICIES, VOTES, votes
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.seeds import stable_seed
from asd_tf.training.centroids import CentroidUpdate
from asd_tf.training.stage import Stage

_logger = logging.getLogger(__name__)

# Backends are fitted to, and networks selected by, clips that no network has seen.
NEEDS_HELD_OUT = True

# Sections of the recipe that may vary between candidates.
OF_NETWORK = ("outliers", "network", "loss", "augmentation", "train", "target")
OF_LOG_MELS = ("data", "frontend")
DEPENDS_ON = (*OF_LOG_MELS, "crop", *OF_NETWORK, "ensemble.vary", "calibration.held_out")

CHOICES = {"ensemble.sections": VOTES}
# Checked for each candidate, since these may vary.
NETWORK_CHOICES = {"network.kind": KINDS, "outliers.source": POLICIES}
LIMITS = {
    "augmentation.gain_db": (-120.0, 120.0),
    "augmentation.noise": (0.0, 1.0),
    "augmentation.snr_db": (-120.0, 120.0),
    "augmentation.volume": (0.0, 1.0),
    "calibration.held_out": (0.001, 0.5),
    "crop.frames": (8, 10**6),
    "loss.arcface": (0.0, 1e3),
    "loss.ddcsad": (0.0, 1e3),
    "loss.epsilon": (1e-12, 1.0),
    "score.gamma": (0.0, 1.0),
    "score.min_relative_std": (0.0, 100.0),
    "target.alpha": (1e-3, 1e3),
    "target.clips": (2, 2**16),
    # Not 0: that of convolutions is a share of it.
    "target.learning_rate": (1e-9, 100.0),
    "target.mixup": (0.0, 1.0),
    "train.batch_size": (4, 2**16),
    "train.learning_rate": (1e-9, 100.0),
}

# File in the folder of the stage that exports a classifier.
_LOSS = "held_out.json"

# Order of the first section's stage; the statistics of the log-mels come before it.
FIRST_SECTION = 2


class Classifier(NamedTuple):
    """A classifier of a section that was trained and exported.

    Attributes:
        name: Name of the extractor.
        folder: Folder of the extractor.
        pairs: Number of pairs (1 - p, d) in its features: 1 without a target domain, else 2.
        loss: Cross-entropy on held-out clips, by which networks are selected.
        policy: Whose clips were its outliers, see `is_outlier`.
    """

    name: str
    folder: Path
    pairs: int
    loss: float
    policy: str


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    check_target_share(config)
    candidates = ensembles.candidates(config, OF_NETWORK)
    for recipe in candidates:
        check_recipe(recipe, NETWORK_CHOICES, LIMITS)
    with usage_errors(config):
        check_frames(config, "crop.frames", log_mel_model(config, samples_of(config)))
    train_clips = clips[clips["split"] == "train"].reset_index(drop=True)
    held_out = hold_out(train_clips, config.calibration.held_out)
    for recipe in candidates:
        for group in sorted(set(groups_of(train_clips))):
            pools_of(train_clips, group, recipe.outliers.source, held_out)


def check_target_share(config: ml_collections.ConfigDict) -> None:
    """Checks that a batch can have clips of both kinds in both domains.

    Raises:
        UsageError: If it cannot.
    """
    most = config.train.batch_size - 2
    if not 2 <= config.target.clips <= most or config.target.clips % 2 or most % 2:
        raise UsageError(
            f"target.clips={config.target.clips}: use an even number from 2 to {most}, as half of "
            f"a batch of train.batch_size={config.train.batch_size} clips, an even number too, are "
            "normal ones"
        )


def fit(run: Run) -> None:
    """Trains the classifiers of each section, and writes the detector."""
    config, clips = run.config, run.train_clips
    held_out = hold_out(clips, config.calibration.held_out)
    groups = sorted(set(groups_of(clips)))
    _logger.info(
        "%d normal clips of %d sections, %d of them held out to calibrate",
        len(clips), len(groups), held_out.sum(),
    )  # fmt: skip
    stage = run.stage("log_mel_statistics", OF_LOG_MELS)
    standardize = standardizing_layer(run, stage, log_mel_model(config, run.samples), False)
    trained = train_candidates(run, groups, held_out, standardize)
    chosen = {}
    for group, of_group in trained.items():
        losses = [classifier.loss for classifier in of_group]
        numbers = ensembles.best(losses, config.ensemble.size)
        chosen[group] = [of_group[number] for number in numbers]
        if len(losses) > 1:
            ensembles.log_selection(" ".join(group), numbers, losses)
    fit_detector(
        run,
        {
            classifier.name: classifier.folder
            for of_group in chosen.values()
            for classifier in of_group
        },
        functools.partial(scorers_of, config, chosen),
        mask=with_target(clips, held_out),
    )


def train_candidates(
    run: Run, groups: list[Group], held_out: np.ndarray, standardize: keras.layers.Layer
) -> dict[Group, list["Classifier"]]:
    """Trains and exports all candidates for the classifiers of each section."""
    trained: dict[Group, list[Classifier]] = {group: [] for group in groups}
    order = FIRST_SECTION
    for number, recipe in enumerate(ensembles.candidates(run.config, OF_NETWORK)):
        domain_networks = networks.build(
            run,
            stable_seed(run.settings.seed, "classifier", number),
            functools.partial(DomainNetworks, recipe, standardize, run.samples),
        )
        for index, group in enumerate(groups):
            name = f"{extractor_name(index, '-'.join(group))}-{number}"
            pools = pools_of(run.train_clips, group, recipe.outliers.source, held_out)
            classifier = train_section(run, domain_networks, pools, name, order)
            trained[group].append(classifier)
            order += classifier.pairs + 1
    return trained


def train_section(
    run: Run, domain_networks: DomainNetworks, pools: ClipPools, name: str, order: int
) -> Classifier:
    """Trains a classifier in the source and then in the target domain, and exports both."""
    recipe = domain_networks.recipe
    source, target = domain_networks.of_domain.values()
    stage = run.stage(f"{name}-source", DEPENDS_ON, order)
    source.initial_state.restore()
    train_domain(run, recipe, stage, source, recipe.train, pools.of_source())
    pairs = 1
    if len(pools.target_normal):
        pairs = 2
        stage = run.stage(f"{name}-target", DEPENDS_ON, order + 1)
        target.initial_state.restore()
        target.training.set_weights(source.training.get_weights())
        train_domain(run, recipe, stage, target, recipe.target, pools)

    def build_extractor(export: Stage) -> keras.Model:
        write_json(export.folder / _LOSS, {"loss": held_out_loss(run, source, pools)})
        return domain_networks.over_crops(pairs)

    folder = networks.export(run, f"{name}-extractor", DEPENDS_ON, build_extractor)
    loss = float(read_json(folder.parent / _LOSS)["loss"])
    return Classifier(name, folder, pairs, loss, recipe.outliers.source)


def train_domain(
    run: Run,
    recipe: ml_collections.ConfigDict,
    stage: Stage,
    network: BinaryNetwork,
    train: ml_collections.ConfigDict,
    pools: ClipPools,
) -> None:
    """Trains a classifier on the clips of its domain."""
    is_target = len(pools.target_normal) > 0
    centroids = CentroidUpdate(
        network.ddcsad,
        network.embed,
        labeled_clips(run, *pools.both_kinds(), network.samples, recipe.train.batch_size),
        adapt_norms=not is_target,
    )
    if run.settings.untrained and not stage.done:
        centroids.on_epoch_begin(0)  # since no epoch begins
    stream = target_batches if is_target else source_batches
    networks.train(
        run,
        stage,
        network.training,
        functools.partial(stream, run, recipe, stage, pools, network.samples),
        epochs=train.epochs,
        steps_per_epoch=train.steps_per_epoch,
        callbacks=[centroids],
    )


def labeled_clips(
    run: Run, normal: np.ndarray, outliers: np.ndarray, samples: int, batch_size: int
) -> tf.data.Dataset:
    """Streams (waveform, label [batch, 1]) of some training clips once, each from its beginning."""
    indices = np.concatenate([normal, outliers])
    label = tf.constant(np.arange(len(indices)) < len(normal), tf.float32)[:, tf.newaxis]
    clips = run.train_clips.iloc[indices].reset_index(drop=True)
    batches = scoring_batches(clips, samples, run.config.data.sample_rate, batch_size)
    return batches.map(lambda index, waveform: (waveform, tf.gather(label, index)))


def held_out_loss(run: Run, network: BinaryNetwork, pools: ClipPools) -> float:
    """Returns the mean of the cross-entropies of both kinds of held-out clips; 0 without any."""
    if not len(pools.held_normal) or not len(pools.held_outliers):
        return 0.0
    losses: dict[float, list[np.ndarray]] = {0.0: [], 1.0: []}
    for waveform, label in labeled_clips(
        run, pools.held_normal, pools.held_outliers, network.samples, run.config.train.batch_size
    ):
        logits = network.posterior(network.embed(waveform, training=False))
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(label, logits).numpy()
        for kind, found in losses.items():
            found.append(entropy[label.numpy() == kind])
    return float(np.mean([np.concatenate(found).mean() for found in losses.values()]))


def scorers_of(
    config: ml_collections.ConfigDict, chosen: dict[Group, list[Classifier]], group: Group
) -> list[Scorer]:
    """Returns the scorers of a section, whose scores are averaged (eq. 7, Section 3.2)."""
    voting = {
        f"section_{other[1]}_{number}": classifier
        for other, classifiers in chosen.items()
        for number, classifier in enumerate(classifiers)
        if votes(config.ensemble.sections, classifier.policy, other, group)
    }
    return [
        Scorer(
            classifier.name,
            build_backend(backend_of(config.score, classifier.pairs)),
            name=name,
            weight=1 / len(voting),
        )
        for name, classifier in voting.items()
    ]
