"""The conformer autoencoder of Kuroyanagi et al., DCASE 2021, alone or as an ensemble.

"An ensemble approach to anomalous sound detection based on conformer-based autoencoder and binary
classifier incorporated with metric learning", Sections 2.1 and 3.1. For each machine, a Conformer
reconstructs the log-mels of a clip and the number of its section from what random masks leave of
it. A Gaussian mixture of each section and domain judges the errors of frames (eq. 2), and a mean
that leans to large values makes them the score of a clip (eq. 3).
"""

import functools
import math
from pathlib import Path
from typing import Any, NamedTuple

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment_mask
from asd_tf.config import check_choice, check_choices, check_ranges
from asd_tf.data.frame_features import crop_batches
from asd_tf.data.pipeline import stable_seed
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import export_extractor
from asd_tf.detector.fusion import RULES
from asd_tf.files import read_json, write_json
from asd_tf.methods import ensembles
from asd_tf.methods.assembly import fit_detector, scorer_of
from asd_tf.methods.frame_data import (
    OF_FEATURES,
    FrameData,
    frame_data,
    level_statistics,
    log_mel_model,
)
from asd_tf.methods.frame_models import extractor_name, say_what_is_held_out
from asd_tf.methods.held_out import with_target
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.models.conformer_autoencoder import WithGroup, conformer_autoencoder
from asd_tf.models.replica_errors import POOLS, ReplicaErrors
from asd_tf.run import Run
from asd_tf.training.anew import Anew
from asd_tf.training.stage import Stage
from asd_tf.training.transformer_rate import TransformerRate

# Sections of the recipe that make a network what it is.
OF_NETWORK = ("network", "masks", "train")
DEPENDS_ON = (*OF_FEATURES, *OF_NETWORK, "replicas", "ensemble.vary", "calibration.held_out")

CHOICES = {"replicas.pool": POOLS}
RANGES = {
    "data.seconds": (0.2, math.inf),
    "network.blocks": (1, math.inf),
    "masks.dropout": (0.0, 0.99),
    "train.epochs": (1, math.inf),
    "train.steps_per_epoch": (1, math.inf),
    "train.batch_size": (1, math.inf),
    "train.warmup_steps": (1, math.inf),
    "replicas.count": (1, math.inf),
    "calibration.held_out": (0.001, 0.5),
    **ensembles.RANGES,
}

# Clips whose errors are computed at a time, to choose networks.
_BATCH = 16


class Candidate(NamedTuple):
    """A network of a machine that was trained and exported.

    Attributes:
        folder: Of the extractor.
        loss: Mean absolute error on the clips held out, which chooses networks.
    """

    folder: Path
    loss: float


def fit(run: Run, say: Say) -> None:
    """Trains the autoencoders of each machine, and writes the detector."""
    config = run.config
    recipes = candidates_of(config)
    data = frame_data(run, say)
    say_what_is_held_out(run, data, say)
    machines = sorted(run.train_clips["machine"].unique())
    trained: dict[str, list[Candidate]] = {machine: [] for machine in machines}
    for number, recipe in enumerate(recipes):
        models = SharedModels(run, data, recipe, number)
        for index, machine in enumerate(machines):
            name = f"{extractor_name(index, machine)}-{number}"
            trained[machine].append(train_machine(run, data, recipe, models, name, machine, say))
    chosen = {}
    for machine, of_machine in trained.items():
        losses = [candidate.loss for candidate in of_machine]
        chosen[machine] = ensembles.best(losses, config.ensemble.size)
        if len(losses) > 1:
            ensembles.say_who_entered(say, machine, chosen[machine], losses)

    def fit_member(part: Run, number: int) -> None:
        extractors = {
            extractor_name(index, machine): trained[machine][chosen[machine][number]].folder
            for index, machine in enumerate(machines)
        }
        fit_detector(
            part,
            extractors,
            functools.partial(scorers_of, config, dict(zip(machines, extractors, strict=True))),
            say,
            among=with_target(run.train_clips, data.held_out),
            numbers=section_numbers(run),
        )

    ensembles.write_ensemble(run, fit_member, config.ensemble.size, config.ensemble.rule)


def candidates_of(config: ml_collections.ConfigDict) -> list[ml_collections.ConfigDict]:
    """Checks a recipe, and returns that of each network of a machine.

    Raises:
        UsageError: If a value is none that is possible.
    """
    check_choices(config, CHOICES)
    check_ranges(config, RANGES)
    check_choice("ensemble.rule", config.ensemble.rule, RULES)
    return ensembles.candidates(config, OF_NETWORK)


def section_numbers(run: Run) -> dict[Group, int]:
    """Numbers the sections of each machine from 0, in the order of their names."""
    clips = run.train_clips
    return {
        (machine, section): number
        for machine, of_machine in clips.groupby("machine", sort=True)
        for number, section in enumerate(sorted(of_machine["section"].unique()))
    }


def train_machine(
    run: Run,
    data: FrameData,
    recipe: ml_collections.ConfigDict,
    models: "SharedModels",
    name: str,
    machine: str,
    say: Say,
) -> Candidate:
    """Trains and exports a network of a machine."""
    stage = run.stage(name, DEPENDS_ON)
    is_machine = (run.train_clips["machine"] == machine).to_numpy(bool)
    rows = data.rows(is_machine)
    mean, sd = level_statistics(stage, data.levels, rows)
    numbers = section_numbers(run)
    of_clip = np.array([numbers[group] for group in groups_of(run)], np.int32)
    sections = int(of_clip[is_machine].max()) + 1
    model = models.drawn(sections)
    train_network(
        run,
        stage,
        model,
        functools.partial(masked_clips, recipe, data, stage, rows, of_clip, sections, mean, sd),
        epochs=recipe.train.epochs,
        steps_per_epoch=recipe.train.steps_per_epoch,
        say=say,
    )
    export = run.stage(f"{name}-extractor", DEPENDS_ON)
    path = export.folder / "held_out.json"
    if not export.done:
        errors = error_network(recipe, model, run.config.replicas, sections, stage.seed, mean, sd)
        held = np.flatnonzero(data.held_out & is_machine)
        # A section of one clip has none held out.
        loss = mean_error(errors, data.levels, held if len(held) else rows, of_clip)
        write_json(path, {"loss": loss})
        # A frontend of its own: one that networks share would keep all of them in memory.
        frontend, group = log_mel_model(run), errors.input[1]
        clips = keras.Model([frontend.input, group], errors([frontend.output, group]))
        export_extractor(clips, export.folder / "extractor")
        export.finish()
    return Candidate(export.folder / "extractor", float(read_json(path)["loss"]))


class SharedModels:
    """The compiled network of a recipe, which is trained for one machine after the other.

    Args:
        run: The run.
        data: What is trained on.
        recipe: The recipe of the candidate.
        number: Number of the candidate, which draws weights of its own.
    """

    def __init__(self, run: Run, data: FrameData, recipe: ml_collections.ConfigDict, number: int):
        self._scope = run.settings.devices.scope
        self._shape = data.levels.shape[1:]
        self._recipe = recipe
        self._seed = stable_seed(run.settings.seed, "autoencoder", number)
        self._of_sections: dict[int, tuple[keras.Model, Anew]] = {}

    def drawn(self, sections: int) -> keras.Model:
        """Returns the network for machines of so many sections, as it was drawn at first."""
        if sections not in self._of_sections:
            with self._scope():
                keras.utils.set_random_seed(self._seed)
                model = training_model(self._recipe, self._shape, sections, self._seed)
                self._of_sections[sections] = model, Anew(model)
        model, anew = self._of_sections[sections]
        anew.reset()
        return model


def groups_of(run: Run) -> list[Group]:
    """Returns machine and section of each training clip."""
    clips = run.train_clips
    return list(zip(clips["machine"], clips["section"], strict=True))


def training_model(
    recipe: ml_collections.ConfigDict, shape: tuple[int, int], sections: int, seed: int
) -> keras.Model:
    """Builds and compiles the network: (levels, group, keep) to levels and section (eq. 1)."""
    model = conformer_autoencoder(*shape, sections, **recipe.network, seed=seed)
    train = recipe.train
    rate = TransformerRate(recipe.network.width, train.warmup_steps, train.rate_factor)
    model.compile(keras.optimizers.Adam(rate), "mae")
    return model


def masked_clips(
    recipe: ml_collections.ConfigDict,
    data: FrameData,
    stage: Stage,
    rows: np.ndarray,
    of_clip: np.ndarray,
    sections: int,
    mean: float,
    sd: float,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((levels, section, what masks leave), (levels, section)) from a step on."""
    frames, bands = data.levels.shape[1:]
    batch_size = recipe.train.batch_size
    of_clip, with_group = tf.constant(of_clip), WithGroup(sections)
    spec_masks, dropout = masks_of(recipe)

    def mask(step, row, levels):
        seed = tf.stack([tf.cast(stage.seed, tf.int64), step])
        seeds = tf.random.experimental.stateless_split(seed, 2)
        shape = (batch_size, frames, bands)
        keep = spec_augment_mask(shape, seeds[0], **spec_masks)
        keep *= dropout_mask(shape, seeds[1], dropout)
        levels, group = (levels - mean) / sd, tf.gather(of_clip, row)
        return (levels, group, keep), with_group([levels, group])

    stream = crop_batches(
        data.levels, rows, frames, batch_size, stage.seed, stage.folder.name, first_step
    )
    return stream.map(mask, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def masks_of(recipe: ml_collections.ConfigDict) -> tuple[dict[str, Any], float]:
    """Returns what SpecAugment masks, and the rate of the input's dropout."""
    masks = recipe.masks.to_dict()
    return masks, masks.pop("dropout")


def error_network(
    recipe: ml_collections.ConfigDict,
    trained: keras.Model,
    replicas: ml_collections.ConfigDict,
    sections: int,
    seed: int,
    mean: float,
    sd: float,
) -> keras.Model:
    """Builds (levels in dB, group) to the errors of frames [batch, frames, bands + 1]."""
    masks, dropout = masks_of(recipe)
    levels = keras.Input(trained.inputs[0].shape[1:], name="levels")
    group = keras.Input([], dtype=tf.int32, name="group")
    standardised = keras.layers.Rescaling(1 / sd, -mean / sd, dtype="float32")(levels)
    # Without its optimizer.
    network = keras.Model(trained.inputs, trained.outputs)
    errors = ReplicaErrors(
        network, sections, replicas.count, replicas.pool, dropout, seed, masks, name="errors"
    )
    return keras.Model([levels, group], errors([standardised, group]))


def mean_error(
    errors: keras.Model, levels: np.ndarray, rows: np.ndarray, of_clip: np.ndarray
) -> float:
    """Returns the mean absolute error over some clips."""
    total = 0.0
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        found = errors([levels[some], of_clip[some]], training=False).numpy()
        total += float(found.mean(axis=(1, 2), dtype=np.float64).sum())
    return total / len(rows)


def scorers_of(
    config: ml_collections.ConfigDict, extractors: dict[str, str], group: Group
) -> list[dict[str, Any]]:
    """Describes the scorer of a section: a mixture on its frames, for each domain (eqs. 2, 3)."""
    return [
        {
            **scorer_of(config, extractors[group[0]]),
            "fit_on": "items",
            "score_on": "items",
            "pool": {"softmax": config.pool.to_dict()},
            "name": "reconstruction",
        }
    ]
