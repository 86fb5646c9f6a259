"""The conformer autoencoder of Kuroyanagi et al., DCASE 2021, alone or as an ensemble.

"An ensemble approach to anomalous sound detection based on conformer-based autoencoder and binary
classifier incorporated with metric learning", Sections 2.1 and 3.1. For each machine, a Conformer
reconstructs the log-mels of a clip and the number of its section from randomly masked log-mels. A
Gaussian mixture per section and domain scores the errors of frames (eq. 2), and a softmax-weighted
mean of these is the score of a clip (eq. 3).
"""

import functools
from pathlib import Path
from typing import NamedTuple

import keras
import ml_collections
import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, groups_of
from asd_tf.files import read_json, write_json
from asd_tf.methods.common import ensembles
from asd_tf.methods.common.checks import check_multiple, check_recipe
from asd_tf.methods.common.frame_prediction import FIRST_MACHINE, extractor_name, machines_of
from asd_tf.methods.common.held_out import with_target
from asd_tf.methods.common.log_mel_cache import (
    OF_FEATURES,
    LogMelCache,
    log_held_out,
    log_mel_cache,
    log_mel_model,
    log_mel_statistics,
)
from asd_tf.methods.kuroyanagi.autoencoder_networks import (
    MachineClips,
    SharedModels,
    error_network,
    masked_clips,
    mean_error,
)
from asd_tf.models.heads.replica_errors import POOLS
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run
from asd_tf.scoring.fusion import RULES
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.stage import Stage

# Backends are fitted to, and networks selected by, clips that no network has seen.
NEEDS_HELD_OUT = True

# Sections of the recipe that may vary between candidates.
OF_NETWORK = ("network", "masks", "train")
DEPENDS_ON = (*OF_FEATURES, *OF_NETWORK, "replicas", "ensemble.vary", "calibration.held_out")

CHOICES = {"replicas.pool": POOLS, "ensemble.rule": RULES}
LIMITS = {
    "calibration.held_out": (0.001, 0.5),
    "pool.alpha": (0.0, 1e4),
    "pool.trim": (0.0, 0.49),
    "replicas.count": (1, 1000),
    "train.rate_factor": (1e-6, 1e3),
    "train.warmup_steps": (1, 10**8),
}

# File in the folder of the stage that exports a candidate.
_LOSS = "held_out.json"


class Candidate(NamedTuple):
    """A network of a machine that was trained and exported.

    Attributes:
        folder: Folder of the extractor.
        loss: Mean absolute error on held-out clips, by which networks are selected.
    """

    folder: Path
    loss: float


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    for recipe in ensembles.candidates(config, OF_NETWORK):
        check_recipe(recipe, CHOICES, LIMITS)
        check_multiple(recipe, "network.width", "network.heads")
    scorer(config, "extractor")


def fit(run: Run) -> None:
    """Trains the autoencoders of each machine, and writes the detector."""
    config = run.config
    cache = log_mel_cache(run)
    log_held_out(run, cache.held_out)
    machines = machines_of(run)
    trained: dict[str, list[Candidate]] = {machine: [] for machine in machines}
    for number, recipe in enumerate(ensembles.candidates(config, OF_NETWORK)):
        models = SharedModels(run, (cache.frames, cache.bands), recipe, number)
        for index, machine in enumerate(machines):
            name = f"{extractor_name(index, machine)}-{number}"
            order = FIRST_MACHINE + 2 * (number * len(machines) + index)
            trained[machine].append(train_machine(run, cache, recipe, models, name, order, machine))
    chosen = {}
    for machine, of_machine in trained.items():
        losses = [candidate.loss for candidate in of_machine]
        chosen[machine] = ensembles.best(losses, config.ensemble.size)
        if len(losses) > 1:
            ensembles.log_selection(machine, chosen[machine], losses)

    def fit_member(part: Run, number: int) -> None:
        names = {machine: extractor_name(index, machine) for index, machine in enumerate(machines)}
        fit_detector(
            part,
            {
                names[machine]: trained[machine][chosen[machine][number]].folder
                for machine in machines
            },
            lambda group: [scorer(config, names[group[0]])],
            mask=with_target(run.train_clips, cache.held_out),
            section_ids=section_ids_of(run.train_clips),
        )

    ensembles.write_ensemble(run, fit_member, config.ensemble.size, config.ensemble.rule)


def section_ids_of(train_clips: pd.DataFrame) -> dict[Group, int]:
    """Numbers the sections of each machine from 0, in the order of their names."""
    return {
        (machine, section): number
        for machine, of_machine in train_clips.groupby("machine", sort=True)
        for number, section in enumerate(sorted(of_machine["section"].unique()))
    }


def train_machine(
    run: Run,
    cache: LogMelCache,
    recipe: ml_collections.ConfigDict,
    models: SharedModels,
    name: str,
    order: int,
    machine: str,
) -> Candidate:
    """Trains and exports a network of a machine."""
    stage = run.stage(name, DEPENDS_ON, order)
    is_machine = (run.train_clips["machine"] == machine).to_numpy(bool)
    section_ids, indices = section_ids_of(run.train_clips), cache.indices(is_machine)
    clips = MachineClips(
        cache.log_mel_db,
        indices,
        np.array([section_ids[group] for group in groups_of(run.train_clips)], np.int32),
        sum(name == machine for name, _ in section_ids),
        *log_mel_statistics(stage, cache.log_mel_db, indices),
    )
    model = models.drawn(clips.sections)
    networks.train(
        run,
        stage,
        model,
        functools.partial(masked_clips, recipe, clips, stage),
        epochs=recipe.train.epochs,
        steps_per_epoch=recipe.train.steps_per_epoch,
    )

    def build_extractor(export: Stage) -> keras.Model:
        errors = error_network(recipe, model, run.config.replicas, clips, stage.seed)
        held = np.flatnonzero(cache.held_out & is_machine)
        # No clip is held out of a section of one clip.
        loss = mean_error(errors, clips, held if len(held) else clips.indices)
        write_json(export.folder / _LOSS, {"loss": loss})
        # A new frontend: a shared one would keep all networks in memory.
        frontend, section_id = log_mel_model(run.config), errors.input[1]
        return keras.Model([frontend.input, section_id], errors([frontend.output, section_id]))

    folder = networks.export(run, f"{name}-extractor", DEPENDS_ON, build_extractor)
    return Candidate(folder, float(read_json(folder.parent / _LOSS)["loss"]))


def scorer(config: ml_collections.ConfigDict, extractor: str) -> Scorer:
    """Returns the scorer of a section: a mixture on its frames, for each domain (eqs. 2, 3)."""
    return scorer_of(
        config,
        extractor,
        fit_on="items",
        score_on="items",
        pool={"softmax": config.pool.to_dict()},
        name="reconstruction",
    )
