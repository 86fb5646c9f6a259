"""From extractors to a detector: features, backends, calibration and thresholds."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import ml_collections
import numpy as np
import pandas as pd

from asd_tf.backends.registry import build_backend
from asd_tf.config import usage_errors
from asd_tf.data.channel_windows import channels_apart
from asd_tf.data.decoding.inspection import reason_for
from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.health.measures import no_measures
from asd_tf.data.layouts.channels import common_channel
from asd_tf.data.sessions import kept_units
from asd_tf.detector.fitting import fit_groups
from asd_tf.detector.kept.windows import BOTH, CALIBRATE, FIT, Windows, table_of
from asd_tf.detector.writing import write_detector
from asd_tf.errors import InputError
from asd_tf.extraction.extractor import Extractor, Extractors
from asd_tf.extraction.features import ClipFeatures
from asd_tf.progress import progress_over
from asd_tf.run.folds import Folds, grouping_of
from asd_tf.run.frames import all_frame_sizes
from asd_tf.run.health import state_description, training_limits
from asd_tf.run.networks import export
from asd_tf.run.run import Run
from asd_tf.scoring.domains import POOLED
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.p_values import fit_p_values
from asd_tf.scoring.scorers import Scorer, Weight
from asd_tf.scoring.scores import LazyMapping
from asd_tf.scoring.thresholds import (
    Threshold,
    thresholds_at,
    too_few_lines,
)

_logger = logging.getLogger(__name__)

# Keys of the section `backend` that describe a backend; others are read by the method.
_OF_BACKEND = ("combine", "normalize", "oversample", "members")


def fit_detector(
    run: Run,
    extractors: Mapping[str, Path],
    scorers: Callable[[Group], Sequence[Scorer]],
    *,
    combine: str = "sum",
    held_out: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    section_ids: Mapping[Group, int] | None = None,
) -> None:
    """Fits backends on the features of the training clips and writes the run's detector.

    Each group (machine, section) gets its own scorers, fitted on all of its clips, and calibration
    scores by cross-fitting: every normal clip is scored by a backend that was not fitted to it. If
    clips were held out of the training of the network, only these calibrate, and nothing is fitted
    to them.

    Args:
        run: The run.
        extractors: Name to SavedModel. Each embeds the clips of the groups that it scores.
        scorers: From a group to its scorers, unfitted; a weight may be a word, see
            `GroupScorer.with_fitted_weights`. All groups of a machine have the same kinds of
            scorers.
        combine: Combination of the scores of the scorers of a group, see `GroupScorer`.
        held_out: [clips] bool, the training clips that no network was trained on; None for
            cross-fitting.
        mask: [clips] bool, the training clips that are used to fit and to calibrate; None for all.
        section_ids: Group to the number that networks take as input; None if no network needs it.
    """
    clips = run.train_clips
    mask = np.ones(len(clips), bool) if mask is None else mask
    indices_of = {group: rows[mask[rows]] for group, rows in rows_of_groups(clips).items()}
    with usage_errors(run.config):
        unfitted = {group: _group_scorer(run, scorers(group), combine) for group in indices_of}
    _log_if_blind(list(unfitted.values()))
    measures = no_measures(len(clips))
    features = _training_features(run, extractors, unfitted, indices_of, section_ids, measures)
    windows = _windows(run, features, measures, unfitted, indices_of, held_out)
    group_by, seed = grouping_of(run, clips), run.settings.seed
    _logger.info("fit the backends and calibrate the thresholds")
    with usage_errors(run.config):
        fitted = fit_groups(
            unfitted,
            windows,
            seed,
            _domains(run),
            lambda group: Folds(group, group_by, seed, run.calibrates_itself).scores,
        )
    limits = training_limits(run, measures, indices_of)
    write_detector(
        run.detector_folder,
        _description(run),
        extractors,
        fitted.scorers,
        _thresholds(run, fitted.calibration, list(fitted.scorers)),
        fitted.calibration,
        fitted.statistics,
        section_ids,
        {group: {**limits[group], **fitted.entries.get(group, {})} for group in fitted.scorers},
        windows,
        seed,
        group_by=group_by,
    )


def _windows(
    run: Run,
    features: Mapping[str, ClipFeatures],
    measures: np.ndarray,
    scorers: Mapping[Group, GroupScorer],
    indices_of: Mapping[Group, np.ndarray],
    held_out: np.ndarray | None,
) -> Mapping[Group, Windows]:
    """Returns the windows of each group; their features are read one group at a time."""
    units, _ = kept_units(run.train_clips, grouping_of(run, run.train_clips))
    use = BOTH if held_out is None else np.where(held_out, CALIBRATE, FIT)
    table = table_of(run.train_clips, use, unit=units)

    def of_group(group: Group) -> Windows:
        indices = indices_of[group]
        return Windows(
            table.iloc[indices].reset_index(drop=True),
            {name: features[name][indices] for name in scorers[group].extractors},
            measures[indices],
        )

    return LazyMapping({group: functools.partial(of_group, group) for group in indices_of})


def _group_scorer(run: Run, scorers: Sequence[Scorer], combine: str) -> GroupScorer:
    """Returns the unfitted scorer of a group, which is blind where the recipe says so."""
    if run.config.recording.get("domain") == "blind":
        for scorer in scorers:
            if scorer.backend.combine == "known":
                scorer.backend.set_params(combine="blind")
    return GroupScorer(scorers, combine)


def _log_if_blind(group_scorers: Sequence[GroupScorer]) -> None:
    if any(s.backend.combine == "blind" for group in group_scorers for s in group.scorers):
        _logger.info(
            "clips are scored without their domain, also where file names reveal it "
            "(recording.domain=blind)"
        )


def _training_features(
    run: Run,
    extractors: Mapping[str, Path],
    scorers: Mapping[Group, GroupScorer],
    indices_of: Mapping[Group, np.ndarray],
    section_ids: Mapping[Group, int] | None,
    measures: np.ndarray,
) -> dict[str, ClipFeatures]:
    """Computes, for each extractor, the features of the training clips of groups that use it.

    The first extractor of a clip fills its row of the measures [clips, measures].
    """
    loaded, features = Extractors(extractors), {}
    for name in loaded:
        using = [indices_of[group] for group in scorers if name in scorers[group].extractors]
        indices = np.sort(np.concatenate(using))
        features[name] = _features(run, name, loaded[name], indices, section_ids, measures)
    return features


def _features(
    run: Run,
    name: str,
    extractor: Extractor,
    indices: np.ndarray,
    section_ids: Mapping[Group, int] | None,
    measures: np.ndarray,
) -> ClipFeatures:
    """Computes the features of the training clips at `indices`."""
    clips = run.train_clips.iloc[indices].reset_index(drop=True)
    sample_rate = run.config.data.sample_rate
    is_new = bool(np.isnan(measures[indices]).any())
    measured = no_measures(len(clips)) if is_new else None
    with progress_over(len(clips), f"embed {name}") as progress:
        values, ok = run.embeddings.features(
            name, extractor, clips, sample_rate, progress, "train", section_ids, measured
        )
    if measured is not None:
        measures[indices] = measured
    if not ok.all():
        bad = clips[~ok].iloc[0]
        reason = reason_for(bad)
        raise InputError(f"{bad['path']}: {reason}; repair it, or leave it out: --on_bad_file=skip")
    positions = np.full(len(run.train_clips), -1)
    positions[indices] = np.arange(len(indices))
    return ClipFeatures(values, positions)


def _thresholds(
    run: Run, calibration: pd.DataFrame, groups: Sequence[Group]
) -> dict[Group, Threshold]:
    """Returns the thresholds for the recipe's share of false alarms; says which groups lack one."""
    p_values = fit_p_values(calibration, groups, run.config.calibration.rule)
    thresholds = thresholds_at(p_values, run.config.calibration.false_alarms)
    if run.calibrates_itself:  # else others replace these thresholds
        for line in too_few_lines(thresholds, calibration):
            _logger.warning(line)
    return thresholds


def _domains(run: Run) -> str:
    """Returns whether scores get the scale of their domain here, and not afterwards."""
    return run.config.calibration.domains if run.calibrates_itself else POOLED


def _description(run: Run) -> dict[str, Any]:
    """Returns the description that is stored with the detector."""
    data = run.config.data
    recording: dict[str, Any] = {}
    is_divided, apart = data.get("windows") == "all", channels_apart(run.train_clips)
    if is_divided or apart:
        hop = (data.get("hop") or data.seconds) if is_divided else None
        recording["recording"] = {"pool": run.config.recording.pool, "hop": hop}
    if apart:
        recording["channels"] = apart
    frames = [{"length": length, "step": step} for length, step in all_frame_sizes(run.config)]
    return {
        "method": run.settings.method,
        "recipe": run.settings.recipe,
        "sample_rate": run.config.data.sample_rate,
        "channel": None if apart else common_channel(run.train_clips),
        "samples": run.samples,
        "calibration": {
            "rule": run.config.calibration.rule,
            "domains": _domains(run),
        },
        **({"frames": frames} if frames else {}),
        **recording,
        **state_description(run),
    }


def scorer_of(
    config: ml_collections.ConfigDict,
    extractor: str,
    *,
    weight: Weight = 1.0,
    **kwargs: Any,
) -> Scorer:
    """Returns a scorer with the backend that the section `backend` of a recipe describes.

    Args:
        config: The recipe.
        extractor: Name of the extractor.
        weight: See `Scorer`.
        **kwargs: Other attributes of `Scorer`: `fit_on`, `score_on`, `pool` and `name`.

    Raises:
        UsageError: If a key or value of the section is not known.
    """
    backend = {key: config.backend[key] for key in _OF_BACKEND if key in config.backend}
    return Scorer(extractor, build_backend(backend), weight=weight, **kwargs)


def fit_untrained(run: Run, build: Callable[[Run], keras.Model]) -> None:
    """Makes the detector of a method whose features need no training.

    Args:
        run: The run.
        build: Builds the network from waveforms to features.
    """
    folder = export(run, "extractor", ("data", "frontend"), lambda stage: build(run))
    fit_detector(run, {"features": folder}, lambda group: [scorer_of(run.config, "features")])
