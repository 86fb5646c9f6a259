"""The system of Asai, DCASE 2021 Challenge.

"Sub-cluster AdaCos based unsupervised anomalous sound detection for machine condition monitoring
under domain shift conditions". One network classifies machines, sections and domains from log-mel
spectrograms (Sections 2.1 and 2.2), trained with sub-cluster AdaCos with trainable centers on mixed
pairs of clips (2.3): first pairs of source clips, then pairs of a source and a target clip (2.4).
Its embeddings are scored by a Gaussian mixture that starts from the centers in the source domain,
and by a one-class support vector machine in the target domain (2.5).
"""

import functools
import logging
from typing import NamedTuple

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.augmentation.mixup import MixPairs
from asd_tf.backends.gaussian import CappedGaussianMixture
from asd_tf.data.groups import Group, groups_of
from asd_tf.data.pipeline import training_batches
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos
from asd_tf.methods.common import log_mel
from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.common.class_labels import class_names, number_classes
from asd_tf.methods.common.standardization import standardizing_layer
from asd_tf.models.log_mel_resnet import STAGES, log_mel_resnet
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.compiling import compile_network
from asd_tf.training.optimizers.adamp import AdamP
from asd_tf.training.stage import Stage

_logger = logging.getLogger(__name__)

# What the statistics, the weights after the first step, and the final weights depend on.
OF_FRONTEND = ("data", "frontend")
OF_SOURCE = (*OF_FRONTEND, "network", "loss", "mixup", "optimizer", "source")
OF_TARGET = (*OF_SOURCE, "target")

CHOICES = {
    "frontend.standardize": ("per_band", "all_bands"),
    "mixup.of": ("features", "waveforms"),
    "backend.means": ("learned_centers", "kmeans"),
    "loss.class_weights": ("none", "balanced"),
}
LIMITS = {"target.epochs": (0, 10**6)}


class Parts(NamedTuple):
    """The network in two parts, so that clips can also be mixed between them.

    Attributes:
        frontend: Waveform [batch, N] to standardized log-mels [batch, frames, bands].
        core: Log-mels to embeddings [batch, D].
    """

    frontend: keras.Model
    core: keras.Model

    @property
    def network(self) -> keras.Model:
        """Both: waveform [batch, N] to embeddings [batch, D]."""
        return keras.Model(self.frontend.input, self.core(self.frontend.output))


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    source_classes(clips[clips["split"] == "train"])
    scorer_of(config, "embedding")


def fit(run: Run) -> None:
    """Trains the network in two steps, embeds the training clips, and fits the backends."""
    clips = run.train_clips
    classes, class_ids = source_classes(clips)
    _logger.info("%d normal clips to train on, %d classes", len(clips), len(classes))
    network, centers = train(run, len(classes), class_ids)

    def whole(stage: Stage) -> keras.Model:
        network.trainable = True  # so that users can fine-tune all of it
        return network

    folder = networks.export(run, "extractor", OF_TARGET, whole)
    of_group = centers_of_groups(clips, class_ids, centers)
    scorers = functools.partial(scorers_of, run.config, of_group)
    fit_detector(run, {"embedding": folder}, scorers)


def source_classes(train_clips: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Numbers the classes of the auxiliary task: machine, section and domain (Section 2.2).

    Raises:
        InputError: If there are fewer than two.
    """
    return number_classes(class_names(train_clips, attributes=False))


def train(run: Run, classes: int, class_ids: np.ndarray) -> tuple[keras.Model, np.ndarray]:
    """Trains on source clips, then fine-tunes on source and target clips (Section 2.4).

    Returns:
        The trained network, and its centers [classes, S, D].
    """
    config = run.config
    standardize = standardizing_layer(
        run,
        run.stage("standardization", OF_FRONTEND),
        keras.Sequential([keras.Input([run.samples]), log_mel_layer(config)]),
        per_band=config.frontend.standardize == "per_band",
    )
    first = run.stage("source", OF_SOURCE, order=2)
    second = run.stage("target", OF_TARGET, order=3)

    def build() -> tuple[Parts, keras.Model]:
        parts = build_parts(config, run.samples, standardize)
        return parts, training_model(config, parts, classes)

    parts, model = networks.build(run, first.seed, build)
    is_target = (run.train_clips["domain"] == "target").to_numpy(bool)
    source, target = np.flatnonzero(~is_target), np.flatnonzero(is_target)
    pairs = functools.partial(paired_batches, run, class_ids, classes, source)
    networks.train(
        run,
        first,
        model,
        functools.partial(pairs, source, first),
        epochs=config.source.epochs,
        steps_per_epoch=networks.steps_per_epoch(
            config.source, len(source), config.optimizer.batch_size
        ),
    )
    if not len(target):
        _logger.info("no training clip is of the target domain: the second step is skipped")
    with run.settings.devices.scope():
        freeze_all_but_last_stage(parts)
        compile_model(config, model)
    networks.train(
        run,
        second,
        model,
        functools.partial(pairs, target, second),
        epochs=config.target.epochs if len(target) else 0,
        steps_per_epoch=config.target.steps_per_epoch,
    )
    centers = model.get_layer("loss").centers.numpy().T
    return parts.network, centers.reshape(classes, config.loss.subclusters, -1)


def log_mel_layer(config: ml_collections.ConfigDict) -> keras.layers.Layer:
    """Makes the log-mel layer of Section 2.1, as the published code of 2021 computes it."""
    return log_mel.log_mel_layer(config, bands="slaney", center=True, name="log_mel")


def build_parts(
    config: ml_collections.ConfigDict, samples: int, standardize: keras.layers.Layer
) -> Parts:
    """Builds the network (Section 2.2 and Table 1)."""
    waveform = keras.Input([samples], name="waveform")
    frontend = keras.Model(waveform, standardize(log_mel_layer(config)(waveform)), name="frontend")
    log_mel = keras.Input(frontend.output.shape[1:], name="features")
    embedding = log_mel_resnet(log_mel, width=config.network.width, dense=config.network.dense)
    return Parts(frontend, keras.Model(log_mel, embedding, name="core"))


def training_model(config: ml_collections.ConfigDict, parts: Parts, classes: int) -> keras.Model:
    """Adds mixup and loss and compiles: two waveforms, share and label to probabilities."""
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
    compile_network(model, optimizer, keras.losses.KLDivergence())


def freeze_all_but_last_stage(parts: Parts) -> None:
    """Leaves the last residual block trainable, and the loss (Section 3.1).

    Frozen norms keep their statistics.
    """
    for layer in parts.core.layers:
        layer.trainable = layer.name.startswith(f"stage_{STAGES}_")


def paired_batches(
    run: Run,
    class_ids: np.ndarray,
    classes: int,
    first: np.ndarray,
    second: np.ndarray,
    stage: Stage,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((first, second, share, mixed label), mixed label) from a step on.

    With `loss.class_weights` = balanced the weight of each pair in the loss is a third element.

    Args:
        run: The run.
        class_ids: [clips] class of each training clip.
        classes: Number of classes.
        first: Indices of the training clips from which the first clip of each pair is drawn.
        second: Indices of those from which the second is drawn.
        stage: The stage, which gives the seeds.
        first_step: The step to begin at.
    """
    size = run.config.optimizer.batch_size
    batches = training_batches(
        run.train_clips,
        samples=run.samples,
        sample_rate=run.config.data.sample_rate,
        batch_size=2 * size,
        seed=stage.seed,
        stage=stage.seed_word,
        first_step=first_step,
        pools=[(first, size), (second, size)],
    )
    weights = tf.constant(balanced_weights(class_ids[np.union1d(first, second)], classes))
    class_ids = tf.constant(class_ids, tf.int32)

    def pair(step, index, waveform):
        share = tf.random.stateless_uniform([size], stage.step_seed(step))
        label = tf.one_hot(tf.gather(class_ids, index), classes)
        mixed = share[:, tf.newaxis] * label[:size] + (1 - share[:, tf.newaxis]) * label[size:]
        inputs = (waveform[:size], waveform[size:], share, mixed)
        if run.config.loss.class_weights == "none":
            return inputs, mixed
        return inputs, mixed, tf.gather(weights, tf.argmax(mixed, axis=1))

    return batches.map(pair, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def balanced_weights(class_ids: np.ndarray, classes: int) -> np.ndarray:
    """Returns the weight of each class in the loss, so that all classes weigh the same.

    Args:
        class_ids: [clips] int, the class of each clip.
        classes: Number of classes.

    Returns:
        [classes] float32: clips / (classes with clips x clips of the class), as by scikit-learn's
        `balanced`; 1 for a class without clips.
    """
    counts = np.bincount(class_ids, minlength=classes)
    weights = len(class_ids) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 1.0).astype(np.float32)


def centers_of_groups(
    clips: pd.DataFrame, class_ids: np.ndarray, centers: np.ndarray
) -> dict[Group, np.ndarray]:
    """Returns the centers [S, D] of the source class of each machine and section that has one."""
    is_source = (clips["domain"] != "target").to_numpy(bool)
    return {
        group: centers[class_id]
        for group, class_id, source in zip(groups_of(clips), class_ids, is_source, strict=True)
        if source
    }


def scorers_of(
    config: ml_collections.ConfigDict, centers: dict[Group, np.ndarray], group: Group
) -> list[Scorer]:
    """Returns the scorer of a group, whose mixture starts from the group's centers (2.5)."""
    scorer = scorer_of(config, "embedding")
    if config.backend.means == "learned_centers" and group in centers:
        for _, estimator, _ in scorer.backend.members:
            if isinstance(estimator, CappedGaussianMixture):
                estimator.set_params(means_init=centers[group])
    return [scorer]
