"""How a detector ranks the anomalies that people have confirmed, by their kept features."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from asd_tf.data.clips import check_clips
from asd_tf.data.groups import Group
from asd_tf.data.health.measures import no_measures
from asd_tf.detector import Detector, FusedDetector, SingleDetector
from asd_tf.detector.kept.windows import Windows
from asd_tf.detector.parts import single_parts
from asd_tf.detector.reference import recording_scores
from asd_tf.extraction.features import ClipFeatures
from asd_tf.scoring.scores import Scores
from asd_tf.scoring.verdicts import Verdicts

_KEY = ["machine", "section", "clip_id"]


class Ranking(NamedTuple):
    """How a detector ranks confirmed anomalies.

    Attributes:
        recordings: Their number.
        above: Share of those above the threshold, of those that have one; NaN if none has.
        auc: Probability that the score of one is above that of a normal recording that calibrates
            its machine and section; the mean over these, weighted by their number of anomalies.
    """

    recordings: int
    above: float
    auc: float


def ranking_of(detector: Detector, keeper: Detector) -> Ranking | None:
    """Ranks the confirmed anomalies that a version of a detector keeps.

    Args:
        detector: The detector that scores them.
        keeper: The version that keeps them, with the same parts; the detector itself, or a later
            one.

    Returns:
        The ranking; None if the detector knows no machine and section of a confirmed anomaly.
    """
    clips = _confirmed_clips(detector, keeper)
    if clips is None:
        return None
    scores = _scores(detector, keeper, clips)
    recordings, pooled = detector.recordings.pooled(clips, scores)
    decision = detector.with_decisions(recordings, pooled)["decision"]
    means = recording_scores(clips.assign(score=scores.clip))
    normal = recording_scores(detector.calibration)
    aucs = [(len(of), _auc(of, normal[group])) for group, of in means.items() if group in normal]
    return Ranking(
        len(recordings),
        float(decision.dropna().mean()) if decision.notna().any() else np.nan,
        float(np.average([auc for _, auc in aucs], weights=[n for n, _ in aucs]))
        if aucs
        else np.nan,
    )


def ranking_line(before: Ranking | None, now: Ranking | None) -> str | None:
    """Returns a line on confirmed anomalies in two versions; None if there are none."""
    if now is None:
        return None
    first = before or Ranking(0, np.nan, np.nan)
    return (
        f"confirmed anomalies, {now.recordings} recordings: above the threshold "
        f"{_shown(first.above, 100)} % before and {_shown(now.above, 100)} % now; AUC against "
        f"normal calibration scores {_shown(first.auc, 100)} % before and {_shown(now.auc, 100)} % "
        "now"
    )


def _shown(value: float, factor: float) -> str:
    return "-" if np.isnan(value) else f"{factor * value:.1f}"


def _auc(anomalous: np.ndarray, normal: np.ndarray) -> float:
    labels = np.repeat([1, 0], [len(anomalous), len(normal)])
    return float(roc_auc_score(labels, np.concatenate([anomalous, normal])))


def _confirmed_clips(detector: Detector, keeper: Detector) -> pd.DataFrame | None:
    """Returns the clip table of the confirmed windows of groups that a detector knows."""
    first = next(iter(single_parts(keeper).values()), None)
    if first is None or first.confirmed is None:
        return None
    table = first.confirmed.table
    clips = check_clips(table.drop(columns=["use", "digest", "comment", "unit"]).assign(
        path=table["clip_id"], split="test"
    ))  # fmt: skip
    known = detector.is_known(clips)
    return clips[known].reset_index(drop=True) if known.any() else None


def _scores(detector: Detector, keeper: Detector, clips: pd.DataFrame) -> Scores:
    if isinstance(detector, FusedDetector) and isinstance(keeper, FusedDetector):
        parts = {
            name: _scores(part, keeper.parts[name], clips) for name, part in detector.parts.items()
        }
        return detector.fuse(parts, clips)
    assert isinstance(detector, SingleDetector) and isinstance(keeper, SingleDetector)
    kept: Mapping[Group, Windows] = keeper.confirmed or {}
    count = len(clips)
    scores = detector.score_features(clips, _features(kept, clips), np.ones(count, bool))
    # Of the sensor nothing is known that would keep a clip from being scored.
    verdicts = Verdicts(np.full(count, None, object), np.zeros(count, bool), _measures(kept, clips))
    return detector.on_domain_scale(clips, dataclasses.replace(scores, verdicts=verdicts))


def _rows(kept: Mapping[Group, Windows], clips: pd.DataFrame) -> dict[Group, np.ndarray]:
    """Returns, of each group, the row of a clip table that each window is in; -1 for none."""
    index = {key: row for row, key in enumerate(zip(*(clips[name] for name in _KEY), strict=True))}
    return {
        group: np.array([index.get((*group, name), -1) for name in windows.table["clip_id"]])
        for group, windows in kept.items()
    }


def _measures(kept: Mapping[Group, Windows], clips: pd.DataFrame) -> np.ndarray:
    """Returns the kept measures of windows as those [clips, measures] of a clip table."""
    measures = no_measures(len(clips))
    for group, rows in _rows(kept, clips).items():
        measures[rows[rows >= 0]] = kept[group].measures[rows >= 0]
    return measures


def _features(kept: Mapping[Group, Windows], clips: pd.DataFrame) -> dict[str, ClipFeatures]:
    """Returns the kept features of windows as the features of the rows of a clip table."""
    found: dict[str, ClipFeatures] = {}
    for group, rows in _rows(kept, clips).items():
        windows = kept[group]
        for name, values in windows.features.items():
            before = found.get(name)
            offset = 0 if before is None else len(before.values)
            positions = np.full(len(clips), -1) if before is None else before.positions.copy()
            positions[rows[rows >= 0]] = offset + np.flatnonzero(rows >= 0)
            stacked = values if before is None else np.concatenate([before.values, values])
            found[name] = ClipFeatures(stacked, positions)
    return found
