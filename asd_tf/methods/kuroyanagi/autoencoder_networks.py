"""The conformer autoencoders of Kuroyanagi et al. (DCASE 2021): inputs, training and errors."""

from typing import Any, NamedTuple

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment_mask
from asd_tf.data.frame_features import crop_batches
from asd_tf.models.conformer_autoencoder import AppendSectionId, conformer_autoencoder
from asd_tf.models.heads.replica_errors import ReplicaErrors
from asd_tf.run import networks
from asd_tf.run.run import Run
from asd_tf.seeds import stable_seed
from asd_tf.training.compiling import compile_network
from asd_tf.training.initial_state import InitialState
from asd_tf.training.stage import Stage
from asd_tf.training.transformer_rate import TransformerRate

# Clips whose errors are computed at a time, to select networks.
_BATCH = 16


class MachineClips(NamedTuple):
    """The log-mels of the training clips of a machine, and the section of each.

    Attributes:
        log_mel_db: [clips, frames, bands] log-mels in dB of the clips of all machines, on disk.
        indices: Indices of the clips of the machine that may be trained on.
        section_ids: [clips] int32, number of each clip's section within its machine.
        sections: Number of sections of the machine.
        mean: Mean of the log-mels of `indices`, in dB.
        std: Standard deviation of the log-mels of `indices`, in dB.
    """

    log_mel_db: np.ndarray
    indices: np.ndarray
    section_ids: np.ndarray
    sections: int
    mean: float
    std: float


class SharedModels:
    """The compiled network of a recipe, reused to train one machine after the other.

    Args:
        run: The run.
        shape: Frames and bands of a clip.
        recipe: The recipe of the candidate.
        number: Number of the candidate, which determines its initial weights.
    """

    def __init__(
        self,
        run: Run,
        shape: tuple[int, int],
        recipe: ml_collections.ConfigDict,
        number: int,
    ):
        self._run = run
        self._shape = shape
        self._recipe = recipe
        self._seed = stable_seed(run.settings.seed, "autoencoder", number)
        self._by_sections: dict[int, tuple[keras.Model, InitialState]] = {}

    def drawn(self, sections: int) -> keras.Model:
        """Returns the network for machines with `sections` sections, with its initial weights."""
        if sections not in self._by_sections:
            self._by_sections[sections] = networks.build(
                self._run, self._seed, lambda: self._draw(sections)
            )
        model, initial_state = self._by_sections[sections]
        initial_state.restore()
        return model

    def _draw(self, sections: int) -> tuple[keras.Model, InitialState]:
        model = training_model(self._recipe, self._shape, sections, self._seed)
        return model, InitialState(model)


def training_model(
    recipe: ml_collections.ConfigDict, shape: tuple[int, int], sections: int, seed: int
) -> keras.Model:
    """Builds and compiles (log-mels, section, keep) to log-mels and section (eq. 1)."""
    model = conformer_autoencoder(*shape, sections, **recipe.network, seed=seed)
    train = recipe.train
    rate = TransformerRate(recipe.network.width, train.warmup_steps, train.rate_factor)
    compile_network(model, keras.optimizers.Adam(rate), "mae")
    return model


def masked_clips(
    recipe: ml_collections.ConfigDict, clips: MachineClips, stage: Stage, first_step: int
) -> tf.data.Dataset:
    """Streams ((log-mels, section, keep mask), (log-mels, section)) from a step on."""
    frames, bands = clips.log_mel_db.shape[1:]
    batch_size = recipe.train.batch_size
    section_ids, append = tf.constant(clips.section_ids), AppendSectionId(clips.sections)
    spec_masks, dropout = masks_of(recipe)

    def mask(step, index, log_mel_db):
        seeds = tf.random.experimental.stateless_split(stage.step_seed(step), 2)
        shape = (batch_size, frames, bands)
        keep = spec_augment_mask(shape, seeds[0], **spec_masks)
        keep *= dropout_mask(shape, seeds[1], dropout)
        log_mel, section_id = (log_mel_db - clips.mean) / clips.std, tf.gather(section_ids, index)
        return (log_mel, section_id, keep), append([log_mel, section_id])

    stream = crop_batches(
        clips.log_mel_db, clips.indices, frames, batch_size, stage.seed, stage.seed_word, first_step
    )
    return stream.map(mask, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def masks_of(recipe: ml_collections.ConfigDict) -> tuple[dict[str, Any], float]:
    """Returns the arguments of the SpecAugment masks, and the dropout rate of the input."""
    masks = recipe.masks.to_dict()
    return masks, masks.pop("dropout")


def error_network(
    recipe: ml_collections.ConfigDict,
    trained: keras.Model,
    replicas: ml_collections.ConfigDict,
    clips: MachineClips,
    seed: int,
) -> keras.Model:
    """Builds (log-mels in dB, section) to the errors of frames [batch, frames, bands + 1]."""
    masks, dropout = masks_of(recipe)
    log_mel_db = keras.Input(trained.inputs[0].shape[1:], name="log_mel_db")
    section_id = keras.Input([], dtype=tf.int32, name="group")
    standardized = keras.layers.Rescaling(1 / clips.std, -clips.mean / clips.std, dtype="float32")(
        log_mel_db
    )
    # Without the optimizer.
    network = keras.Model(trained.inputs, trained.outputs)
    errors = ReplicaErrors(
        network, clips.sections, replicas.count, replicas.pool, dropout, seed, masks, name="errors"
    )
    return keras.Model([log_mel_db, section_id], errors([standardized, section_id]))


def mean_error(errors: keras.Model, clips: MachineClips, indices: np.ndarray) -> float:
    """Returns the mean absolute error over some clips."""
    total = 0.0
    for start in range(0, len(indices), _BATCH):
        some = indices[start : start + _BATCH]
        found = errors([clips.log_mel_db[some], clips.section_ids[some]], training=False).numpy()
        total += float(found.mean(axis=(1, 2), dtype=np.float64).sum())
    return total / len(indices)
