"""The folds of a group of a run, by which backends are cross-fitted."""

import dataclasses
import logging

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.data.sessions import are_recordings
from asd_tf.detector.fitting import scores_by_units
from asd_tf.detector.kept.windows import Windows
from asd_tf.run.run import Run
from asd_tf.scoring.calibration import session_gap, session_gap_line
from asd_tf.scoring.group_scorer import GroupScorer

_logger = logging.getLogger(__name__)


def grouping_of(run: Run, clips: pd.DataFrame) -> str | None:
    """Returns what clips of a run are grouped by; None for the windows of a recording."""
    group_by = run.config.calibration.get("group_by")
    return None if are_recordings(clips, group_by) else group_by


@dataclasses.dataclass(frozen=True)
class Folds:
    """The folds of the windows of a machine and section.

    Attributes:
        group: Machine and section.
        group_by: What belongs together; None for the windows of a recording.
        seed: Seed of the folds of recordings.
        compares: Whether folds by sessions are compared with those of recordings.
    """

    group: Group
    group_by: str | None
    seed: int
    compares: bool

    def scores(self, scorer: GroupScorer, windows: Windows) -> np.ndarray:
        """Returns [n, scorers] the cross-fitted scores of windows; warns if sessions differ."""
        scores = scores_by_units(scorer, windows, self.group_by, self.seed)
        if self.group_by is not None and self.compares:
            by_recording = scores_by_units(scorer, windows, None, self.seed)
            gap = session_gap(scores, by_recording)
            if line := session_gap_line(*self.group, self.group_by, gap):
                _logger.warning(line)
        return scores
