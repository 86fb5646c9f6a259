"""Trains a detector whose networks have not seen the clips that calibrate it.

A network is trained as a run of its own, in `networks/NAME/` of the run: with the same recipe and
settings, and without some of the training clips. A run that was killed therefore goes on with the
network that it was at, and the stages of a network are reused if those clips are the same.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.detector.anew.recalibrate import write_recalibrated
from asd_tf.detector.cross_fit import write_cross_fit_detector
from asd_tf.detector.deciding.domain_scales import on_domain_scales
from asd_tf.experiment.calibration_plan import CalibrationPlan
from asd_tf.methods.registry import Method, load_method
from asd_tf.run.folder import network_folder
from asd_tf.run.init_from import source_of_network
from asd_tf.run.run import Run, without_training
from asd_tf.run.unseen_scores import calibration_of, unseen_scores
from asd_tf.scoring.calibration import HOLDOUT
from asd_tf.scoring.cross_fit import part_scales, standardized
from asd_tf.scoring.thresholds import Threshold, too_few_lines

_logger = logging.getLogger(__name__)


def fit(run: Run) -> None:
    """Trains the networks of a run as `calibration.method` says, and writes its detector.

    Raises:
        InputError: If a clip cannot be read, or a loss is not finite.
    """
    method = load_method(run.settings.method)
    if run.calibrates_itself:
        method.fit(run)
        return
    plan = CalibrationPlan.of(run.config)
    held_by_training = plan.held_by_training(run.train_clips)
    if plan.method == HOLDOUT:
        _fit_holdout(run, plan, method, held_by_training[0])
    else:
        _fit_networks(run, plan, method, held_by_training)


def _fit_holdout(run: Run, plan: CalibrationPlan, method: Method, held: np.ndarray) -> None:
    network = _network(run, plan, method, HOLDOUT, held)
    calibration = run.config.calibration
    clips = run.train_clips[held].reset_index(drop=True)
    entries, unseen = calibration_of(network, clips, calibration.domains, run.settings.seed)
    thresholds = write_recalibrated(
        network.detector_folder,
        run.detector_folder,
        unseen,
        calibration.rule,
        calibration.false_alarms,
        method=HOLDOUT,
        entries=entries,
    )
    _log_few(thresholds, unseen)


def _fit_networks(
    run: Run, plan: CalibrationPlan, method: Method, held_by_training: list[np.ndarray]
) -> None:
    parts: dict[str, Path] = {}
    tables: list[pd.DataFrame] = []
    measured: list[np.ndarray] = []
    for number, held in enumerate(held_by_training):
        network = _network(run, plan, method, str(number), held)
        parts[str(number)] = network.detector_folder
        if held.any():
            clips = run.train_clips[held].reset_index(drop=True)
            table, measures = unseen_scores(network, clips)
            tables.append(table.assign(part=number))
            measured.append(measures)
    unseen = pd.concat(tables, ignore_index=True)
    has_score = unseen["score"].notna().to_numpy()
    unseen = unseen[has_score].reset_index(drop=True)
    groups = list(rows_of_groups(run.train_clips))
    scales = part_scales(unseen, groups, len(parts))
    entries, calibration = on_domain_scales(
        unseen.drop(columns="part").assign(score=standardized(unseen, scales)),
        np.concatenate(measured)[has_score],
        run.config.calibration.domains,
        run.settings.seed,
    )
    thresholds = write_cross_fit_detector(
        run.detector_folder,
        parts,
        scales,
        calibration,
        run.config.calibration.rule,
        run.config.calibration.false_alarms,
        entries,
    )
    _log_few(thresholds, calibration)


def _network(run: Run, plan: CalibrationPlan, method: Method, name: str, held: np.ndarray) -> Run:
    """Trains a network without some of the training clips, where that has not been done."""
    reuse = None if run.reuse is None else network_folder(run.reuse, name)
    if reuse is not None and not (reuse / "config.json").exists():
        _logger.info("network %s: %s has none to reuse", name, run.reuse)
        reuse = None
    init_from = None if run.init_from is None else source_of_network(run.init_from, name)
    network = Run.open(
        network_folder(run.folder, name),
        run.settings,
        plan.network_config(run.config, method),
        without_training(run.clips, held),
        reuse=reuse,
        init_from=init_from,
    )
    if not (network.detector_folder / "detector.json").exists():
        _logger.info(
            "network %s: %d clips to train on, %d that it does not see",
            name, np.sum(~held), np.sum(held),
        )  # fmt: skip
        method.fit(network)
    return network


def _log_few(thresholds: Mapping[Group, Threshold], calibration: pd.DataFrame) -> None:
    for line in too_few_lines(thresholds, calibration):
        _logger.warning(line)
