"""STgram-MFN, a baseline of GeCo (Liu et al., ICASSP 2022).

"Anomalous sound detection using spectral-temporal information fusion". MobileFaceNet
classifies machine ids from the log-mel spectrogram and a learned counterpart of it, trained with
ArcFace. The anomaly score is the negative log-likelihood of the clip's own id, margin included.
"""

import keras
import ml_collections
import numpy as np
import pandas as pd

from asd_tf.backends.registry import build_backend
from asd_tf.data.groups import Group
from asd_tf.losses.arcface import ArcFace
from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.common.crop_classifiers import machine_ids
from asd_tf.methods.common.held_out import hold_out
from asd_tf.methods.common.labeled_waveforms import LabeledWaveforms
from asd_tf.methods.common.log_mel import log_mel_layer
from asd_tf.methods.common.log_mel_cache import log_held_out
from asd_tf.models.heads.arcface_nll import ArcFaceNLL
from asd_tf.models.stgram import stgram_mfn
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector
from asd_tf.run.frames import frame_sizes
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.compiling import compile_network

DEPENDS_ON = ("data", "frontend", "network", "loss", "train", "calibration.held_out")

LIMITS = {
    "train.batch_size": (2, 2**16),
    "train.constant_epochs": (0, 10**6),
    "train.final_share": (0.0, 1.0),
}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, {}, LIMITS)
    machine_ids(clips[clips["split"] == "train"])


def fit(run: Run) -> None:
    """Trains the network on the ids of all machines, and writes the detector."""
    config, clips = run.config, run.train_clips
    names, class_ids = machine_ids(clips)
    held_out = hold_out(clips, config.calibration.held_out)
    log_held_out(run, held_out)
    stage = run.stage("classifier", DEPENDS_ON, order=1)
    indices = np.flatnonzero(~held_out)
    steps = networks.steps_per_epoch(config.train, len(indices))

    def build() -> tuple[keras.Model, keras.Model]:
        network = build_network(config, run.samples)
        return network, training_model(config, network, len(names), steps)

    network, model = networks.build(run, stage.seed, build)
    batches = LabeledWaveforms(
        run, stage, indices, class_ids, len(names), run.samples, config.train.batch_size
    )
    networks.train(run, stage, model, batches, epochs=config.train.epochs, steps_per_epoch=steps)

    def build_extractor(stage) -> keras.Model:
        nll = ArcFaceNLL(model.get_layer("loss"), name="nll")(network.output)
        return keras.Model(network.input, nll)

    folder = networks.export(run, "extractor", DEPENDS_ON, build_extractor)

    def scorers(group: Group) -> list[Scorer]:
        own = {"estimator": "AsScore", "params": {"column": names.index("###".join(group))}}
        return [Scorer("nll", build_backend({"members": {"own_id": own}}))]

    calibrates = held_out if held_out.any() else None
    fit_detector(run, {"nll": folder}, scorers, held_out=calibrates)


def build_network(config: ml_collections.ConfigDict, samples: int) -> keras.Model:
    """Builds the network: waveform [batch, N] to embeddings [batch, D]."""
    waveform = keras.Input([samples], name="waveform")
    sgram = log_mel_layer(config, bands="torchaudio", center=True)(waveform)
    _, step = frame_sizes(config)
    return keras.Model(waveform, stgram_mfn(sgram, waveform, frame_step=step, **config.network))


def training_model(
    config: ml_collections.ConfigDict, network: keras.Model, classes: int, steps_per_epoch: int
) -> keras.Model:
    """Adds the loss and compiles: (waveform, one-hot id) to logits."""
    label = keras.Input([classes], name="label")
    loss, train = config.loss, config.train
    logits = ArcFace(
        classes, margin=loss.margin, scale=loss.scale, easy_margin=loss.easy_margin, name="loss"
    )([network.output, label])
    model = keras.Model([network.input, label], logits)
    # A warm-up from the rate to the same rate keeps it constant.
    schedule = keras.optimizers.schedules.CosineDecay(
        train.learning_rate,
        max(train.epochs - train.constant_epochs, 1) * steps_per_epoch,
        alpha=train.final_share,
        warmup_target=train.learning_rate,
        warmup_steps=train.constant_epochs * steps_per_epoch,
    )
    compile_network(
        model,
        keras.optimizers.Adam(schedule),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    return model
