"""The scales of the domains of each machine and section, which calibration scores give."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.health.measures import IN_FINE_BANDS
from asd_tf.scoring.domains import MIN_RECORDINGS, POOLED, DomainScale

Entries = dict[Group, dict[str, Any]]
"""Group to its entry `domains` in the manifest."""

_logger = logging.getLogger(__name__)


def on_domain_scales(
    calibration: pd.DataFrame, measures: np.ndarray, domains: str, seed: int
) -> tuple[Entries, pd.DataFrame]:
    """Puts calibration scores on the scale of their domains, if that is predicted.

    Logs which groups have too few recordings of a domain, or a domain that is hard to predict.
    Where sessions are known, they count in place of recordings: neither is the domain of a clip
    predicted from others of its session, nor its score compared with theirs.

    Args:
        calibration: Columns machine, section, domain, recording_id and score; a row for each normal
            window. A missing score is left out. The column `unit` may name what the recording
            belongs to, see `unit_names`.
        measures: [rows, measures] of the windows.
        domains: One of `DOMAINS`.
        seed: Seed of the folds that tell how well the domain is predicted.

    Returns:
        The entries of the groups with a scale, and the table, without `unit`, with the scores as
        the detector gives them.
    """
    units = _units(calibration)
    calibration = calibration.drop(columns="unit", errors="ignore")
    if domains == POOLED:
        return {}, calibration
    entries: Entries = {}
    raw = calibration["score"].to_numpy(np.float64)
    scores = raw.copy()
    is_target = calibration["domain"].eq("target").to_numpy(bool)
    few: list[Group] = []
    unknown: list[Group] = []
    unpredictable: list[Group] = []
    for group, rows in rows_of_groups(calibration).items():
        levels, of_machine = measures[rows, IN_FINE_BANDS], calibration["machine"].eq(group[0])
        fitted = DomainScale.fit(
            raw[rows], is_target[rows], levels, units[rows], seed, raw[of_machine]
        )
        if fitted is None:
            continue
        scale, scores[rows] = fitted
        entries[group] = {"domains": scale.to_json()}
        if not scale.tells_domains and is_target[rows].any():
            (few if np.isfinite(levels).all() else unknown).append(group)
        if not scale.is_predictable:
            unpredictable.append(group)
    _log(
        few,
        f"fewer than {MIN_RECORDINGS} recordings, or sessions, of a domain calibrate: one scale "
        "for both, and more false alarms in the rarer one",
    )
    _log(
        unknown,
        "the levels of frequency bands are not known of all recordings: one scale for both domains",
    )
    _log(
        unpredictable,
        "the domain of a recording is hard to predict: scores are compared with both domains",
    )
    return entries, calibration.assign(score=scores)


def _units(calibration: pd.DataFrame) -> np.ndarray:
    """Returns the session of each row; its recording where none is known, or the group has one."""
    recordings = calibration["recording_id"].to_numpy(object)
    if "unit" not in calibration:
        return recordings
    units = calibration["unit"].fillna(calibration["recording_id"]).to_numpy(object, copy=True)
    for rows in rows_of_groups(calibration).values():
        if len(set(units[rows])) == 1:
            units[rows] = recordings[rows]
    return units


def _log(groups: Sequence[Group], what: str) -> None:
    if groups:
        machine, section = groups[0]
        others = f" and {len(groups) - 1} more" if len(groups) > 1 else ""
        _logger.info("%s, section %s%s: %s", machine, section, others, what)
