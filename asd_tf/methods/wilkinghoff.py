"""The system of Wilkinghoff, ICASSP 2023.

"Design choices for learning embeddings from auxiliary tasks for domain generalization in anomalous
sound detection". One network classifies all machines, sections, attributes and domains (Section
2.2). It gets the magnitude spectrum of the whole clip and its magnitude spectrogram (2.1), is
trained with sub-cluster AdaCos on mixed-up waveforms, and its embeddings are compared with the
k-means centers of the normal clips and with the clips of the target domain (2.3).
"""

import functools
import logging

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.augmentation.mixup import mixup
from asd_tf.config import usage_errors
from asd_tf.data.pipeline import training_batches
from asd_tf.frontends.mel import SCALES, LogMel
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos
from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.common.class_labels import class_names, number_classes
from asd_tf.models.dual_branch import embedding_model
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run
from asd_tf.run.stages import ALL_CLIPS
from asd_tf.training.compiling import compile_network
from asd_tf.training.stage import Stage

_logger = logging.getLogger(__name__)

# What the weights depend on. Not the backend, so that all rows of Table 6 can share one training.
DEPENDS_ON = ("data", "classes", "network", "loss", "mixup", "train")

CHOICES = {
    "classes": ("train", "train_and_dev_test"),
    "network.branches": ("both", "spectrum", "spectrogram"),
    "network.combine": ("concat", "add", "concat_after_training"),
    "network.spectrogram": ("magnitude", "log_mel"),
    "network.log_mel.power": (1, 2),
    "network.log_mel.scale": SCALES,
    "network.graph": ("2024", "bn_on_trunk_2023"),
    "mixup.label_rule": ("max", "sum"),
}
LIMITS = {
    "train.batch_size": (2, 2**16),
    "network.log_mel.floor": (1e-30, 1.0),
    "network.log_mel.fmin": (0.0, 96000.0),
    "network.log_mel.fmax": (0.0, 96000.0),
}


def fill_in(config: ml_collections.ConfigDict, dataset: str) -> None:
    """Chooses the classes, if the recipe does not; see `asd_tf.methods.registry.Method`."""
    if config.classes is None:
        config.classes = "train_and_dev_test" if dataset == "dcase2022" else "train"


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    if config.network.spectrogram == "log_mel":
        with usage_errors(config):
            LogMel(config.data.sample_rate, **config.network.log_mel)
    auxiliary_classes(clips, config.classes)
    scorer_of(config, "embedding")


def fit(run: Run) -> None:
    """Trains the network, embeds the training clips, and fits the backends."""
    classes, class_ids = auxiliary_classes(run.clips, run.config.classes)
    _logger.info("%d normal clips to train on, %d classes", len(run.train_clips), len(classes))
    if run.config.classes == "train_and_dev_test":
        _logger.info(
            "%d of the classes are in file names of development test clips only, as published "
            "(--set classes=train leaves them out)", len(classes) - len(set(class_ids)),
        )  # fmt: skip
    trained = [
        _train(run, branches, order, len(classes), class_ids)
        for order, branches in enumerate(_trained_branches(run.config), 1)
    ]
    unit = run.config.network.unit_halves
    folder = networks.export(
        run, "extractor", _depends_on(run), lambda stage: joined(trained, unit)
    )
    fit_detector(run, {"embedding": folder}, lambda group: [scorer_of(run.config, "embedding")])


def _depends_on(run: Run) -> tuple[str, ...]:
    """Returns what the networks depend on, including the test clips if these add classes."""
    return DEPENDS_ON if run.config.classes == "train" else (*DEPENDS_ON, ALL_CLIPS)


def _trained_branches(config: ml_collections.ConfigDict) -> list[str]:
    """Returns the branches of each network: all in one, or each by itself (Table 4)."""
    if config.network.combine == "concat_after_training":
        return ["spectrum", "spectrogram"]
    return [config.network.branches]


def auxiliary_classes(clips: pd.DataFrame, source: str) -> tuple[list[str], np.ndarray]:
    """Numbers the classes of the auxiliary task: machine, section, attributes and domain.

    Args:
        clips: The clip table.
        source: `train` for the classes of the training clips, or `train_and_dev_test`, which adds
            those of the development test clips as the published code does. These are the 342
            classes of the paper, some of which have centers but no training clip.

    Returns:
        The names of the classes, and the class of each training clip.

    Raises:
        InputError: If there are fewer than two classes.
    """
    names = class_names(clips, attributes=True)
    others = []
    if source == "train_and_dev_test":
        is_dev = (clips["split"] == "test") & (clips["subset"] == "dev") & clips["domain"].notna()
        others = names[is_dev]
    return number_classes(names[clips["split"] == "train"], others)


def _train(run: Run, branches: str, order: int, classes: int, class_ids: np.ndarray) -> keras.Model:
    """Trains one network and returns it with its final weights."""
    config = run.config
    name = "embedding" if branches == config.network.branches else branches
    stage = run.stage(name, _depends_on(run), order)

    def build() -> tuple[keras.Model, keras.Model]:
        network = build_network(config, run.samples, branches)
        return network, training_model(config, network, classes)

    network, training = networks.build(run, stage.seed, build)
    networks.train(
        run,
        stage,
        training,
        functools.partial(mixed_batches, run, class_ids, classes, stage),
        epochs=config.train.epochs,
        steps_per_epoch=networks.steps_per_epoch(config.train, len(run.train_clips)),
    )
    return network


def build_network(config: ml_collections.ConfigDict, samples: int, branches: str) -> keras.Model:
    """Builds the embedding network (Tables 1 and 2): waveform [batch, N] to [batch, D]."""
    network = config.network
    return embedding_model(
        samples=samples,
        branches=branches,
        combine="add" if network.combine == "add" else "concat",
        spectrogram=network.spectrogram,
        log_mel=network.log_mel,
        sample_rate=config.data.sample_rate,
        temporal_normalization=network.temporal_normalization,
        use_bias=network.use_bias,
        graph=network.graph,
        l2=network.l2,
    )


def training_model(
    config: ml_collections.ConfigDict, network: keras.Model, classes: int
) -> keras.Model:
    """Adds the loss layer and compiles: (waveform, mixed label) to class probabilities."""
    label = keras.Input([classes], name="label")
    probabilities = SubclusterAdaCos(
        classes,
        subclusters=config.loss.subclusters,
        trainable_centers=config.loss.trainable_centers,
        dynamic_scale=config.loss.dynamic_scale,
        name="subcluster_adacos",
    )([network.output, label])
    model = keras.Model([network.input, label], probabilities)
    compile_network(
        model,
        keras.optimizers.Adam(config.train.learning_rate),
        keras.losses.CategoricalCrossentropy(),
    )
    return model


def mixed_batches(
    run: Run, class_ids: np.ndarray, classes: int, stage: Stage, first_step: int
) -> tf.data.Dataset:
    """Streams ((waveform, mixed label), mixed label) from a step on, with mixup in each batch."""
    config = run.config
    batches = training_batches(
        run.train_clips,
        samples=run.samples,
        sample_rate=config.data.sample_rate,
        batch_size=config.train.batch_size,
        seed=stage.seed,
        stage=stage.seed_word,
        first_step=first_step,
    )
    class_ids = tf.constant(class_ids, tf.int32)

    def mix(step, index, waveform):
        label = tf.one_hot(tf.gather(class_ids, index), classes)
        waveform, label = mixup(
            waveform,
            label,
            seed=stage.step_seed(step),
            probability=config.mixup.probability,
            label_rule=config.mixup.label_rule,
        )
        return (waveform, label), label

    return batches.map(mix, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def joined(trained: list[keras.Model], unit: bool) -> keras.Model:
    """Concatenates the embeddings of networks that were trained separately.

    Args:
        trained: The networks, from waveform [batch, N] to embedding [batch, D] each; a single one
            is returned as it is.
        unit: Whether each embedding is scaled to length 1 first, so that all weigh the same.
    """
    if len(trained) == 1:
        return trained[0]
    waveform = keras.Input(trained[0].input_shape[1:], name="waveform")
    halves = [network(waveform) for network in trained]
    if unit:
        halves = [keras.layers.UnitNormalization(dtype="float32")(half) for half in halves]
    return keras.Model(waveform, keras.layers.Concatenate(dtype="float32")(halves))
