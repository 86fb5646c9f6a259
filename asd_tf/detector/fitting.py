"""From the windows of machines and sections to backends, calibration scores and statistics."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.backends.fitting.fit_cache import fit_cache
from asd_tf.backends.fitting.member_fits import FOLDS
from asd_tf.data.groups import Group
from asd_tf.data.windows import has_windows
from asd_tf.detector.deciding.domain_scales import Entries, on_domain_scales
from asd_tf.detector.kept.windows import BOTH, CALIBRATE, Windows
from asd_tf.scoring.calibration import (
    cross_fit_scores,
    feature_statistics,
    held_out_scores,
    matching_weights,
    score_scales,
)
from asd_tf.scoring.folds import fold_numbers_of_units
from asd_tf.scoring.group_scorer import GroupScorer

CrossFit = Callable[[GroupScorer, Windows], np.ndarray] | None


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What was fitted to the normal windows of groups.

    Attributes:
        scorers: Group to its fitted scorer.
        calibration: Columns machine, section, clip_id, domain, score and, where a recording is in
            several rows, recording_id: a row for each window that calibrates.
        statistics: For each group, the statistics of the features of its windows.
        entries: The entries of groups whose scores are on the scale of their domain.
    """

    scorers: Mapping[Group, GroupScorer]
    calibration: pd.DataFrame
    statistics: list[dict[str, Any]]
    entries: Entries


def fit_groups(
    unfitted: Mapping[Group, GroupScorer],
    windows: Mapping[Group, Windows],
    seed: int,
    domains: str,
    cross_fit: Callable[[Group], CrossFit] = lambda group: None,
) -> Fitted:
    """Fits the scorers of groups to their normal windows, and calibrates them.

    A window whose use is `both` is scored by a scorer that was not fitted to its recording. Nothing
    is fitted to those that only calibrate.

    Args:
        unfitted: Group to its unfitted scorer; all groups of the machines whose weights are words.
        windows: Group to its windows; they are looked up one group at a time.
        seed: Seed of the folds.
        domains: One of `DOMAINS`.
        cross_fit: From a group to the function that scores its windows, see `fit_group`.
    """
    fitted: dict[Group, GroupScorer] = {}
    alone: dict[Group, np.ndarray] = {}
    tables, measures, statistics = {}, [], []
    for group, scorer in unfitted.items():
        of_group = windows[group]
        fitted[group], alone[group] = fit_group(scorer, of_group, seed, cross_fit(group))
        measures.append(of_group.measures)
        tables[group] = of_group.table.assign(machine=group[0], section=group[1])
        statistics.append(_statistics(group, of_group.features))
    for group, scorer in fitted.items():
        of_machine = [scores for other, scores in alone.items() if other[0] == group[0]]
        fitted[group] = scorer.with_fitted_weights(
            matching_weights(of_machine), score_scales(alone[group], of_machine)
        )
    calibration = pd.concat(
        [
            # As the table is read again, so that p-values are the same.
            table.assign(score=fitted[group].combined_clips(alone[group]).astype(np.float64))
            for group, table in tables.items()
        ],
        ignore_index=True,
    )
    entries, calibration = on_domain_scales(calibration, np.concatenate(measures), domains, seed)
    if (calibration["use"] != BOTH).any():
        calibration = calibration.dropna(subset="score", ignore_index=True)
    columns = ["machine", "section", "clip_id", "domain"]
    if has_windows(calibration):
        columns.append("recording_id")
    return Fitted(fitted, calibration[[*columns, "score"]], statistics, entries)


def fit_group(
    scorer: GroupScorer, windows: Windows, seed: int, cross_fit: CrossFit = None
) -> tuple[GroupScorer, np.ndarray]:
    """Fits the scorer of a group in place.

    Args:
        scorer: The scorer.
        windows: Its windows.
        seed: Seed of the folds.
        cross_fit: From the scorer and windows that are all used for both to calibration scores;
            None for folds of recordings.

    Returns:
        The fitted scorer, and [windows, scorers] the calibration scores of each scorer alone; NaN
        for windows that do not calibrate, or for which there is no other to fit to.
    """
    use = windows.table["use"].to_numpy(object)
    domain = windows.table["domain"].to_numpy(object)
    calibrates, both = use == CALIBRATE, use == BOTH
    if calibrates.any() and not both.any():
        return held_out_scores(scorer, windows.features, domain, calibrates)
    with fit_cache():
        if cross_fit is not None and both.all():
            crossed = cross_fit(scorer, windows)
            return scorer.fit(windows.features, domain), crossed
        fits = windows.at(~calibrates) if calibrates.any() else windows
        crossed = cross_fit_scores(
            scorer,
            fits.features,
            domain[~calibrates],
            seed,
            fits.table["unit"].to_numpy(object),
            scored=None if both.all() else both[~calibrates],
        )
        # A session may also have windows that are only fitted to.
        crossed[~both[~calibrates]] = np.nan
        if not calibrates.any():
            return scorer.fit(windows.features, domain), crossed
        fitted, scores = held_out_scores(scorer, windows.features, domain, calibrates)
    scores[~calibrates] = crossed
    return fitted, scores


def scores_by_units(
    scorer: GroupScorer, windows: Windows, group_by: str | None, seed: int
) -> np.ndarray:
    """Returns [windows, scorers] the cross-fitted scores of windows by the folds of their units.

    Args:
        scorer: The scorer; it is not changed.
        windows: Its windows, of which each is used for both.
        group_by: What the units are, see `unit_names`; None for recordings.
        seed: Seed of the folds of recordings.
    """
    domain = windows.table["domain"].to_numpy(object)
    units = windows.table["unit"].to_numpy(object)
    if group_by is None:
        recording = windows.table["recording_id"].to_numpy(object)
        return cross_fit_scores(scorer, windows.features, domain, seed, recording)
    numbers = fold_numbers_of_units(windows.table, units, group_by, FOLDS)
    folds = [np.flatnonzero(numbers == fold) for fold in range(FOLDS)]
    held = [rows for rows in folds if len(rows)]
    return cross_fit_scores(scorer, windows.features, domain, seed, folds=held)


def _statistics(group: Group, features: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {
        "machine": group[0],
        "section": group[1],
        "extractors": {name: feature_statistics(values) for name, values in features.items()},
    }
