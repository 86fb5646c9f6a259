"""Whether the recordings of a machine and section have drifted, in words and numbers."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from asd_tf.scoring.drift.features import moved
from asd_tf.scoring.drift.levels import LevelShift
from asd_tf.scoring.drift.martingale import find_change
from asd_tf.scoring.drift.scores import ScoreShift
from asd_tf.service.drift.observed import Observed

LEAST = 10
"""Recordings, recent ones and those of calibration, without which nothing is compared."""

AS_IN_TRAINING = "as in training"
TOO_FEW = "too few recordings"

# The tests of a group share its level.
_TESTS = ("scores", "features", "levels", "sensor", "order")
# A sound sensor is now and then beyond its limits, as that of training was.
_FAULTS = 0.05


@dataclasses.dataclass(frozen=True)
class Drift:
    """What was found of a machine and section.

    Attributes:
        observed: What was heard.
        calibration: Number of normal recordings with a calibration score.
        reasons: What has drifted: `scores`, `features`, `levels`, `sensor` and `order`; the latter
            means that recordings have changed from one on.
        scores: Of the scores; None where there are too few recordings, as below.
        features: Number of features and of those that have moved; None where the detector does not
            know those of training.
        levels: Of the levels of bands, of recordings in which all were measured; None where these
            are too few, or where the detector does not know those of training.
        since: Name of the recording from which on they have changed; None if they have not.
    """

    observed: Observed
    calibration: int
    reasons: Sequence[str]
    scores: ScoreShift | None = None
    features: tuple[int, int] | None = None
    levels: LevelShift | None = None
    since: str | None = None

    @property
    def verdict(self) -> str:
        """`as in training`, `too few recordings`, or `drifted` with the reasons."""
        if self.reasons:
            return f"drifted: {', '.join(self.reasons)}"
        return TOO_FEW if self.scores is None else AS_IN_TRAINING

    def to_json(self) -> dict[str, Any]:
        """Returns all as plain values."""
        seen, scores, levels = self.observed, self.scores, self.levels
        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "recordings": len(seen.names),
            "calibration": self.calibration,
            "sensor": dict(seen.faults),
            "off": seen.off,
            "unreadable": seen.bad,
            "scores": None if scores is None else {
                "p_values": dict(zip(seen.names, scores.p_values.tolist(), strict=True)),
                "share_low": scores.share_low,
                "distance": scores.distance,
                "p": scores.p,
            },
            "features": self.features and dict(zip(("all", "moved"), self.features, strict=True)),
            "levels": levels and {"bands_db": levels.bands_db.tolist(), "p": levels.p},
            "since": self.since,
        }  # fmt: skip


def judge(
    observed: Observed,
    calibration: np.ndarray,
    training: float,
    bands_db: Sequence[float] | None,
    level: float,
) -> Drift:
    """Compares recordings with those of training.

    Each of the tests has an equal part of the level, so that recordings like those of training are
    called drifted with at most its probability.

    Args:
        observed: What was heard of them.
        calibration: [n] scores of normal recordings.
        training: Effective number of recordings of training, see `effective_recordings`.
        bands_db: Median levels [bands] of training; None if they are not known.
        level: The level, 0 to 1.
    """
    part = level / len(_TESTS)
    faulty, heard = sum(observed.faults.values()), len(observed.names)
    found = {"sensor": float(stats.binom.sf(faulty - 1, faulty + heard, _FAULTS)) < part}
    if min(heard, len(calibration)) < LEAST:
        return Drift(observed, len(calibration), [name for name in _TESTS if found.get(name)])
    values = np.array(observed.scores)
    scores = ScoreShift.between(values, calibration)
    features = _features(observed, training, part)
    levels = _levels(observed, bands_db, training)
    change = find_change(values, calibration, part)
    found |= {
        "scores": scores.p < part,
        "features": features is not None and features[1] > 0,
        "levels": levels is not None and levels.p < part,
        "order": change is not None,
    }
    return Drift(
        observed,
        len(calibration),
        [name for name in _TESTS if found[name]],
        scores,
        features,
        levels,
        None if change is None else observed.names[change.start],
    )


def _features(observed: Observed, training: float, level: float) -> tuple[int, int] | None:
    p_values = [moments.p_values(training) for moments in observed.moments.values()]
    count = sum(map(len, p_values))
    return (count, moved(p_values, level)) if count else None


def _levels(
    observed: Observed, bands_db: Sequence[float] | None, training: float
) -> LevelShift | None:
    levels = np.array(observed.levels)
    # Levels that were not measured, as those of recordings that are too short, tell nothing.
    levels = levels[np.isfinite(levels).all(axis=1)]
    if bands_db is None or len(levels) < LEAST:
        return None
    return LevelShift.of(levels, bands_db, training)


def advice_of(drift: Drift) -> str:
    """Returns what to do, in a line."""
    if "sensor" in drift.reasons:
        return "check the microphone; what the machine does cannot be told before"
    gain = None if drift.levels is None else drift.levels.gain_db
    if "levels" in drift.reasons and gain is not None:
        return f"levels moved by about {gain:+.1f} dB: check gain and place of the microphone"
    if {"scores", "order"} & set(drift.reasons):
        return (
            "listen to the recordings with the smallest p-values; if the machine is healthy, train "
            "again with recordings such as these"
        )
    if drift.reasons:
        return "scores hardly moved: find out what sounds different, and score more recordings soon"
    if drift.scores is None:
        return f"compare at least {LEAST} recordings with as many of calibration"
    return "nothing"


def text_of(drift: Drift) -> Mapping[str, str]:
    """Returns name and value of what was found, for people; what is not known is left out."""
    seen, scores, levels = drift.observed, drift.scores, drift.levels
    lines = {"recordings": _counted(drift)}
    if scores is not None:
        side = "more" if scores.is_higher else "less"
        lines["scores"] = (
            f"p-values of at most 0.1: {100 * scores.share_low:.0f} %; distance from uniform "
            f"{scores.distance:.2f} (p = {scores.p:.2g}), mostly {side} anomalous than calibration"
        )
    if drift.features is not None:
        count, changed = drift.features
        lines["features"] = f"{100 * changed / count:.0f} % of {count:,} moved"
    if levels is not None:
        low, high = levels.bands_db.min(), levels.bands_db.max()
        lines["levels"] = f"bands moved by {low:+.1f} to {high:+.1f} dB (p = {levels.p:.2g})"
    if seen.faults:
        lines["sensor"] = ", ".join(f"{name} {n}" for name, n in sorted(seen.faults.items()))
    if drift.since is not None:
        number = seen.names.index(drift.since) + 1
        lines["order"] = f"changed from about {drift.since} on ({number} of {len(seen.names)})"
    return lines | {"do": advice_of(drift)}


def _counted(drift: Drift) -> str:
    seen = drift.observed
    left_out = {
        "with a faulty sensor": sum(seen.faults.values()),
        "of a machine that is off": seen.off,
        "unreadable": seen.bad,
    }
    words = "".join(f"; {count} {name} left out" for name, count in left_out.items() if count)
    return f"{len(seen.names)}, and {drift.calibration} that calibrate{words}"
