"""The folds of a group of a run, by which backends are cross-fitted."""

import dataclasses
import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from asd_tf.backends.fitting.member_fits import FOLDS
from asd_tf.data.sessions import are_recordings
from asd_tf.run.run import Run
from asd_tf.scoring.calibration import cross_fit_scores, session_gap, session_gap_line
from asd_tf.scoring.folds import fold_numbers
from asd_tf.scoring.group_scorer import GroupScorer

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Folds:
    """The folds of the clips of a machine and section.

    Attributes:
        clips: The clip table of the group, with an index from 0.
        group_by: What belongs together; None for the windows of a recording.
        seed: Seed of the folds of recordings.
        compares: Whether folds by sessions are compared with those of recordings.
    """

    clips: pd.DataFrame
    group_by: str | None
    seed: int
    compares: bool

    @classmethod
    def of(cls, run: Run, clips: pd.DataFrame) -> "Folds":
        """Returns the folds of some training clips of a run, those of one group."""
        clips = clips.reset_index(drop=True)
        group_by = run.config.calibration.get("group_by")
        if are_recordings(clips, group_by):
            group_by = None
        return cls(clips, group_by, run.settings.seed, run.calibrates_itself)

    def scores(
        self, scorer: GroupScorer, features: Mapping[str, np.ndarray], domain: np.ndarray
    ) -> np.ndarray:
        """Returns [n, scorers] the cross-fitted scores of the clips; warns if sessions differ."""
        recording = self.clips["recording_id"].to_numpy(object)
        if self.group_by is None:
            return cross_fit_scores(scorer, features, domain, self.seed, recording)
        numbers = fold_numbers(self.clips, self.group_by, FOLDS)
        folds = [np.flatnonzero(numbers == fold) for fold in range(FOLDS)]
        scores = cross_fit_scores(
            scorer, features, domain, self.seed, folds=[held for held in folds if len(held)]
        )
        if self.compares:
            by_recording = cross_fit_scores(scorer, features, domain, self.seed, recording)
            machine, section = self.clips.loc[0, ["machine", "section"]]
            gap = session_gap(scores, by_recording)
            if line := session_gap_line(machine, section, self.group_by, gap):
                _logger.warning(line)
        return scores
