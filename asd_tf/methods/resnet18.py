"""The baseline of GeCo (Zeng et al., ICASSP 2023, Section 3.3): ResNet18 on machine ids.

The network classifies machine ids from random crops of log-mels. The cosine distance of the
embedding from the mean of its machine id is the anomaly score.
"""

import keras
import ml_collections
import pandas as pd

from asd_tf.methods.common.checks import check_frames, check_recipe
from asd_tf.methods.common.crop_classifiers import (
    OF_CROPS,
    crop_resnet,
    export_even_crops,
    half_decay,
    machine_ids,
    stepwise_sgd,
    train_classifier,
)
from asd_tf.methods.common.log_mel_cache import (
    log_held_out,
    log_mel_cache,
    log_mel_model,
    log_mel_statistics,
)
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.compiling import compile_network

LIMITS = {"train.batch_size": (2, 2**16), "crop.frames": (5, 10**6)}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, {}, LIMITS)
    check_frames(config, "crop.frames", log_mel_model(config))
    machine_ids(clips[clips["split"] == "train"])
    scorer(config)


def fit(run: Run) -> None:
    """Trains the network on the ids of all machines, and writes the detector."""
    config = run.config
    names, class_ids = machine_ids(run.train_clips)
    cache = log_mel_cache(run)
    log_held_out(run, cache.held_out)
    stage = run.stage("classifier", OF_CROPS, order=2)
    indices = cache.indices(class_ids >= 0)
    mean, std = log_mel_statistics(stage, cache.log_mel_db, indices)

    def build() -> tuple[keras.Model, keras.Model]:
        core = crop_resnet(config, cache.bands, mean, std)
        steps = networks.steps_per_epoch(config.train, len(indices))
        return core, classifier(config, core, len(names), steps)

    core, model = networks.build(run, stage.seed, build)
    train_classifier(run, cache, stage, model, indices, class_ids)
    folder = export_even_crops(run, cache, core, OF_CROPS)
    fit_detector(
        run,
        {"embedding": folder},
        lambda group: [scorer(config)],
        held_out=cache.calibrates,
    )


def scorer(config: ml_collections.ConfigDict) -> Scorer:
    """Returns the scorer of a machine id, on the embeddings of crops."""
    return scorer_of(config, "embedding", fit_on="items", score_on="items")


def classifier(
    config: ml_collections.ConfigDict, core: keras.Model, classes: int, steps_per_epoch: int
) -> keras.Model:
    """Adds the linear layer and compiles: crops to logits."""
    logits = keras.layers.Dense(
        classes,
        kernel_regularizer=keras.regularizers.L2(half_decay(config)),
        dtype="float32",
        name="logits",
    )(core.output)
    model = keras.Model(core.input, logits)
    compile_network(
        model,
        stepwise_sgd(config.train, steps_per_epoch),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model
