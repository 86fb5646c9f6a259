"""How well the thresholds of `calibration.method=cross_fit_network` keep what they promise.

Scores of three parts are drawn, not trained: each is the score of the clip and a deviation of the
part, both gamma-distributed, on a level of the part. Printed is the mean share of new normal clips
above the threshold for a promise of 10 %, by the number of clips that calibrate and the correlation
of the scores of two parts. It takes about three minutes.
"""

import numpy as np
import pandas as pd

from asd_tf.scoring.cross_fit import StandardizedMean, part_scales, standardized
from asd_tf.scoring.p_values import fit_p_values

PARTS, PROMISE, REPETITIONS, NEW = 3, 0.1, 400, 2000
CLIPS, CORRELATIONS = (12, 30, 100, 300), (0.3, 0.6, 0.9, 1.0)
GROUP = ("fan", "00")


def drawn(rng: np.random.Generator, levels: np.ndarray, clips: int, correlation: float):
    """Returns [parts, clips] scores of normal clips by every part."""

    def deviations(*shape: int) -> np.ndarray:
        return (rng.gamma(2, 1, shape) - 2) / np.sqrt(2)

    shared, own = deviations(1, clips), deviations(PARTS, clips)
    return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own + levels[:, np.newaxis]


def false_alarms(rng: np.random.Generator, clips: int, correlation: float) -> float:
    """Returns the share of new normal clips above the threshold of a detector."""
    levels, part = rng.normal(0, 0.3, PARTS), np.arange(clips) % PARTS
    scores = drawn(rng, levels, clips, correlation)[part, np.arange(clips)]
    unseen = pd.DataFrame(
        {
            "machine": GROUP[0], "section": GROUP[1], "recording_id": np.arange(clips).astype(str),
            "score": scores, "part": part,
        }
    )  # fmt: skip
    scales = part_scales(unseen, [GROUP], PARTS)
    calibration = unseen.assign(score=standardized(unseen, scales))
    threshold = fit_p_values(calibration, [GROUP])[GROUP].threshold(PROMISE)
    new = StandardizedMean(scales)(drawn(rng, levels, NEW, correlation), [GROUP] * NEW)
    return float(np.mean(new > threshold))


def main() -> None:
    """Prints a row for each number of clips."""
    rng = np.random.default_rng(0)
    print("clips", *(f"r={correlation:g}" for correlation in CORRELATIONS))
    for clips in CLIPS:
        means = [
            np.mean([false_alarms(rng, clips, correlation) for _ in range(REPETITIONS)])
            for correlation in CORRELATIONS
        ]
        print(clips, *(f"{100 * mean:.1f}" for mean in means))


if __name__ == "__main__":
    main()
