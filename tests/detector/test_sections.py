"""A recording that names no section must be scored in the one that fits it best."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.detector.sections import best_rows


def tried(scores, thresholds):
    """Returns the scored table of one recording in as many sections."""
    sections = [f"{number:02d}" for number in range(len(scores))]
    return pd.DataFrame({
        "clip_id": "a", "recording_id": "a", "machine": "fan", "section": sections,
        "score": scores, "threshold": thresholds, "status": "ok",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "thresholds", "best"),
    [
        ([5.0, 3.0], [4.0, 1.0], 0),
        ([-0.9, -0.8], [-0.5, np.nan], 0),  # one without a threshold is the last choice
        ([9.0, 0.1], [1.0, np.nan], 0),
        ([0.9, 0.8], [np.nan, np.nan], 1),  # without any, the scores decide
    ],
)
def test_thresholds_decide_where_there_are_some(scores, thresholds, best):
    assert best_rows(tried(scores, thresholds)).tolist() == [best]
