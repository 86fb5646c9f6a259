"""The length N of windows that fits recordings of one's own, where a recipe leaves it open."""

import math

import pandas as pd

from asd_tf.data.decoding.inspection import commonest_seconds
from asd_tf.data.windows import duration

# Longer recordings are not divided evenly: one window of many may overlap the one before.
_MOST_PARTS = 10
_SHARE_OF_SHORTER = 0.1


def fitting_seconds(report: pd.DataFrame, most: float) -> tuple[float, str]:
    """Returns a length of windows that divides the recordings well, and why it does.

    It is that of the recordings if half of them have the same, and else one that nine of ten
    recordings reach. What is longer than `most` is divided into equal parts.

    Args:
        report: What `inspect_clips` returned for the recordings.
        most: Longest window in seconds.
    """
    lengths = report.loc[report["ok"], "seconds"].round(1)
    common = commonest_seconds(report)
    share = float(lengths.eq(common).mean())
    if share >= 0.5:
        length, why = common, f"{share:.0%} of the recordings have {duration(common)}"
    else:
        length = float(lengths.quantile(_SHARE_OF_SHORTER, interpolation="lower"))
        why = f"nine of ten recordings have {duration(length)} or more"
    # Rounded down to a millisecond, so that the last part is as long as the others.
    parts = math.ceil(length / most - 1e-9)
    if parts <= 1:
        return length, why
    if parts > _MOST_PARTS:
        return most, f"{why}, and data.max_seconds={most:g}"
    return math.floor(1000 * length / parts) / 1000, f"{why}, in {parts} equal parts"
