"""Scores of an ensemble whose networks have each seen other clips: standardized, and averaged."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from asd_tf.backends.fitting.member_fits import LEAVE_ONE_OUT_BELOW
from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.scoring.calibration import score_scales

Scales = Sequence[tuple[float, float]]


class StandardizedMean:
    """The mean over parts of their scores, each standardized in the group.

    Args:
        scales: Group to the mean and the standard deviation of each part.
    """

    def __init__(self, scales: Mapping[Group, Scales]):
        self._scales = scales

    def __call__(self, scores: np.ndarray, groups: Iterable[Group]) -> np.ndarray:
        """Combines scores.

        Args:
            scores: [parts, n, ...] scores of n clips, or of their items.
            groups: (machine, section) of each clip; all are known.

        Returns:
            [n, ...] scores; NaN where a part has none.
        """
        scores = np.asarray(scores, np.float64)
        scales = np.array([self._scales[group] for group in groups], np.float64)
        if not len(scales):
            return scores.mean(axis=0)
        # [n, parts, 2] to two of [parts, n, 1, ...]
        mean, std = scales.transpose(2, 1, 0).reshape(
            2, *scores.shape[:2], *[1] * len(scores.shape[2:])
        )
        return np.mean((scores - mean) / std, axis=0)


def part_scales(unseen: pd.DataFrame, groups: Iterable[Group], parts: int) -> dict[Group, Scales]:
    """Returns mean and standard deviation of each part's scores of clips that it has not seen.

    A part that has scored fewer than 10 recordings of a group has those of the scores of all parts
    in the group, and the group itself, if these are fewer than 10, the deviation within all groups
    of the machine. A group without a score has those of its machine.

    Args:
        unseen: Columns machine, section, recording_id, score and part: normal clips, each scored by
            the part that has not seen it.
        groups: The groups.
        parts: Number of parts.

    Returns:
        Group to (mean, standard deviation) of each part; (0, 1) where no score is finite.
    """
    finite = unseen[np.isfinite(unseen["score"])].reset_index(drop=True)
    rows_of = rows_of_groups(finite)
    found: dict[Group, Scales] = {}
    for group in groups:
        of_machine = [finite.iloc[rows] for other, rows in rows_of.items() if other[0] == group[0]]
        own = (
            finite.iloc[rows_of[group]]
            if group in rows_of
            else pd.concat([finite.iloc[:0], *of_machine])
        )
        shared = _scale(own, of_machine)
        of_parts = [own[own["part"] == part] for part in range(parts)]
        found[group] = [
            shared if rows["recording_id"].nunique() < LEAVE_ONE_OUT_BELOW else _scale(rows, [])
            for rows in of_parts
        ]
    return found


def standardized(unseen: pd.DataFrame, scales: Mapping[Group, Scales]) -> np.ndarray:
    """Returns [n] the scores of a table as `part_scales` takes, each by the scale of its part."""
    of_clips = np.array(
        [
            scales[machine, section][part]
            for machine, section, part in unseen[["machine", "section", "part"]].itertuples(
                index=False
            )
        ],
        np.float64,
    ).reshape(-1, 2)
    return (unseen["score"].to_numpy(np.float64) - of_clips[:, 0]) / of_clips[:, 1]


def _scale(clips: pd.DataFrame, of_machine: Sequence[pd.DataFrame]) -> tuple[float, float]:
    own = clips["score"].to_numpy(np.float64)[:, np.newaxis]
    others = [of["score"].to_numpy(np.float64)[:, np.newaxis] for of in of_machine]
    return score_scales(own, others or [own])[0]
