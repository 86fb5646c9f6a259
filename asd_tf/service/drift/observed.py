"""What a detector hears in recordings, kept by machine and section, and without their features."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.data.health.measures import BANDS, IN_BANDS
from asd_tf.detector import Detector
from asd_tf.detector.recordings import names_and_rows
from asd_tf.detector.reference import Statistics, feature_statistics
from asd_tf.scoring.drift.features import FeatureMoments
from asd_tf.scoring.scores import Scores
from asd_tf.scoring.verdicts import joined

# Share of the windows of a recording with a faulty sensor from which on it is left out.
_MOST_FAULTY = 0.5


@dataclasses.dataclass
class Observed:
    """What was heard in the recordings of a group, in the order of time.

    Attributes:
        names: Those with a sound sensor and a machine that is on.
        scores: Their scores, each the mean over its windows.
        levels: [bands] of each, in dB of full scale; medians over windows.
        moments: Extractor to the moments of its features.
        faults: Reason to the number of recordings with a faulty sensor, which are nowhere else.
        off: Number of recordings of a machine that is off.
        bad: Number of files that could not be read.
    """

    moments: Mapping[str, FeatureMoments]
    names: list[str] = dataclasses.field(default_factory=list)
    scores: list[float] = dataclasses.field(default_factory=list)
    levels: list[np.ndarray] = dataclasses.field(default_factory=list)
    faults: Counter[str] = dataclasses.field(default_factory=Counter)
    off: int = 0
    bad: int = 0


class Listener:
    """Scores recordings and keeps what is compared with training.

    Args:
        detector: The detector.

    Attributes:
        groups: Group to what was heard of it.
        unknown: Machine and section that the detector does not know to their number of recordings.
    """

    def __init__(self, detector: Detector):
        self._detector = detector
        self.groups: dict[Group, Observed] = {}
        self.unknown: Counter[tuple[str, str]] = Counter()

    def listen(
        self,
        clips: pd.DataFrame,
        machine: str | None = None,
        section: str | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Scores recordings.

        Args:
            clips: The clip table, in the order of time.
            machine: The machine of all; None for those of the table.
            section: The section of all; None for those of the table.
            progress: Called with the number of recordings that are newly done.
        """
        for windows in self._detector.batches(clips, machine=machine, section=section):
            known = self._detector.is_known(windows)
            others = windows[~known].drop_duplicates("recording_id")
            self.unknown.update(
                (str(of["machine"]), str(of["section"])) for _, of in others.iterrows()
            )
            if known.any():
                used = windows[known].reset_index(drop=True)
                self.add(used, self._detector.score_with_details(used))
            progress(windows["recording_id"].nunique())

    def add(self, windows: pd.DataFrame, scores: Scores) -> None:
        """Keeps what is compared of recordings that were scored.

        Args:
            windows: The clip table of their windows, all of known groups.
            scores: The scores of these, with details.
        """
        features = {name: scores.features[name] for name in scores.features}
        for name, rows in names_and_rows(windows).items():
            first = windows.iloc[rows[0]]
            group = (first["machine"], first["section"])
            observed = self._observed(group)
            used = self._used(observed, scores, rows)
            if used is None:
                continue
            observed.names.append(name)
            observed.scores.append(float(scores.clip[used].mean()))
            observed.levels.append(_levels(scores, used))
            for extractor, moments in observed.moments.items():
                if extractor in features:
                    moments.add(features[extractor][used].mean(axis=0, dtype=np.float64))

    @functools.cached_property
    def _statistics(self) -> Mapping[Group, Statistics]:
        return feature_statistics(self._detector)

    def _observed(self, group: Group) -> Observed:
        if group not in self.groups:
            moments = {name: FeatureMoments(of) for name, of in self._statistics[group].items()}
            self.groups[group] = Observed(moments)
        return self.groups[group]

    def _used(self, observed: Observed, scores: Scores, rows: np.ndarray) -> np.ndarray | None:
        """Returns the windows of a recording that are compared; counts it if there are none."""
        verdicts = scores.verdicts
        on = rows if verdicts is None else rows[~verdicts.off[rows]]
        scored = on[np.isfinite(scores.clip[on])]
        if not len(on):
            observed.off += 1
        elif not len(scored):
            observed.bad += 1
        elif verdicts is not None and verdicts.is_faulty[scored].mean() >= _MOST_FAULTY:
            observed.faults[joined(verdicts.sensor[scored])] += 1
        else:
            return scored
        return None


def _levels(scores: Scores, rows: np.ndarray) -> np.ndarray:
    """Returns the median levels [bands] of windows; NaN where they were not measured."""
    measures = None if scores.verdicts is None else scores.verdicts.measures
    if measures is None:
        return np.full(BANDS, np.nan)
    return np.median(measures[rows, IN_BANDS].astype(np.float64), axis=0)
