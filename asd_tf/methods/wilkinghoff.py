"""The system of Wilkinghoff, ICASSP 2023.

"Design choices for learning embeddings from auxiliary tasks for domain generalization in anomalous
sound detection". One network learns to tell apart all machines, sections, attributes and domains
(Section 2.2). It sees the magnitude spectrum of the whole clip and its magnitude spectrogram (2.1),
is trained with sub-cluster AdaCos on mixed-up waveforms, and its embeddings are compared with the
k-means centres of the normal clips and with the clips of the target domain (2.3).
"""

import functools
import math
from pathlib import Path

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.augmentation.mixup import mixup
from asd_tf.config import check_choices, check_ranges
from asd_tf.data.pipeline import training_batches
from asd_tf.detector.extractor import export_extractor
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos
from asd_tf.methods.assembly import fit_detector, scorer_of
from asd_tf.methods.classes import class_names, number_classes
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.models.dual_branch import embedding_model
from asd_tf.run import Run
from asd_tf.training.stage import Stage

# What the weights depend on; not the backend, so that all rows of Table 6 can share one training.
DEPENDS_ON = ("data", "classes", "network", "loss", "mixup", "train")

CHOICES = {
    "classes": ("train", "train_and_dev_test"),
    "network.branches": ("both", "spectrum", "spectrogram"),
    "network.combine": ("concat", "add", "concat_after_training"),
    "network.spectrogram": ("magnitude", "log_mel"),
    "network.graph": ("2024", "bn_on_trunk_2023"),
    "mixup.label_rule": ("max", "sum"),
}

RANGES = {
    "data.seconds": (0.2, math.inf),
    "loss.subclusters": (1, math.inf),
    "mixup.probability": (0.0, 1.0),
    "train.epochs": (1, math.inf),
    "train.batch_size": (2, math.inf),
    "train.learning_rate": (0.0, math.inf),
    "train.steps_per_epoch": (1, math.inf),
}


def fit(run: Run, say: Say) -> None:
    """Trains the network, embeds the training clips, and fits the backends."""
    check_choices(run.config, CHOICES)
    check_ranges(run.config, RANGES)
    classes, of_clip = auxiliary_classes(run.clips, run.config.classes)
    say(f"{len(run.train_clips)} normal clips to train on, {len(classes)} classes to tell apart")
    extractor = train_extractor(run, len(classes), of_clip, say)
    scorer = scorer_of(run.config, "embedding")
    fit_detector(run, {"embedding": extractor}, lambda group: [scorer], say)


def auxiliary_classes(clips: pd.DataFrame, which: str) -> tuple[list[str], np.ndarray]:
    """Numbers the classes of the auxiliary task: machine, section, attributes and domain.

    Args:
        clips: The clip table.
        which: `train` for the classes of the training clips, or `train_and_dev_test`, which counts
            those of the development test clips as the published code does: the 342 of the paper,
            some of which have a centre but no clip.

    Returns:
        The names of the classes, and the class of each training clip.

    Raises:
        InputError: If there are fewer than two classes.
    """
    names = class_names(clips, attributes=True)
    others = []
    if which == "train_and_dev_test":
        is_dev = (clips["split"] == "test") & (clips["subset"] == "dev") & clips["domain"].notna()
        others = names[is_dev]
    return number_classes(names[clips["split"] == "train"], others)


def train_extractor(run: Run, classes: int, of_clip: np.ndarray, say: Say) -> Path:
    """Trains the embedding network, or its two branches one by one (Table 4), and exports it."""
    network = run.config.network
    trained = [network.branches]
    if network.combine == "concat_after_training":
        trained = ["spectrum", "spectrogram"]
    networks = [_train(run, branches, classes, of_clip, say) for branches in trained]
    stage = run.stage("extractor", DEPENDS_ON)
    if not stage.done:
        say("export the network")
        export_extractor(_joined(networks), stage.folder / "extractor")
        stage.finish()
    return stage.folder / "extractor"


def _train(run: Run, branches: str, classes: int, of_clip: np.ndarray, say: Say) -> keras.Model:
    """Trains one network and returns it with its final weights."""
    config, clips = run.config, run.train_clips
    name = "embedding" if branches == config.network.branches else branches
    stage = run.stage(name, DEPENDS_ON)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        network = build_network(config, run.samples, branches)
        training = training_model(config, network, classes)
    train_network(
        run,
        stage,
        training,
        functools.partial(mixed_batches, run, of_clip, classes, stage),
        epochs=config.train.epochs,
        steps_per_epoch=config.train.steps_per_epoch
        or math.ceil(len(clips) / config.train.batch_size),
        say=say,
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
    model.compile(
        keras.optimizers.Adam(config.train.learning_rate),
        keras.losses.CategoricalCrossentropy(),
    )
    return model


def mixed_batches(
    run: Run, of_clip: np.ndarray, classes: int, stage: Stage, first_step: int
) -> tf.data.Dataset:
    """Streams ((waveform, mixed label), mixed label) from a step on, each batch mixed up whole."""
    config = run.config
    batches = training_batches(
        run.train_clips,
        samples=run.samples,
        sample_rate=config.data.sample_rate,
        batch_size=config.train.batch_size,
        seed=stage.seed,
        stage=stage.folder.name,
        first_step=first_step,
    )
    of_clip = tf.constant(of_clip, tf.int32)

    def mix(step, row, waveform):
        label = tf.one_hot(tf.gather(of_clip, row), classes)
        waveform, label = mixup(
            waveform,
            label,
            seed=tf.stack([tf.cast(stage.seed, tf.int64), step]),
            probability=config.mixup.probability,
            label_rule=config.mixup.label_rule,
        )
        return (waveform, label), label

    return batches.map(mix, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _joined(networks: list[keras.Model]) -> keras.Model:
    """Concatenates the embeddings of networks that were trained on their own."""
    if len(networks) == 1:
        return networks[0]
    waveform = keras.Input(networks[0].input_shape[1:], name="waveform")
    return keras.Model(
        waveform,
        keras.layers.Concatenate(dtype="float32")([network(waveform) for network in networks]),
    )
