"""Windows of one's own recordings must fit these, and the line must say why."""

import pandas as pd
import pytest

from asd_tf.experiment.window_length import fitting_seconds


@pytest.mark.parametrize(
    ("lengths", "most", "seconds", "why"),
    [
        ([4.0] * 10, 10.0, 4.0, "100% of the recordings have 4.0 s"),
        ([12.0] * 6 + [3.0] * 4, 10.0, 6.0, "60% of the recordings have 12.0 s, in 2 equal parts"),
        ([25.0], 10.0, 8.333, "in 3 equal parts"),
        ([10.0, 10.04], 10.0, 10.0, "100% of the recordings have 10.0 s"),
        ([3600.0] * 3, 10.0, 10.0, "and data.max_seconds=10"),
        ([float(number) for number in range(2, 22)], 10.0, 3.0, "have 3.0 s or more"),
        ([12.0], 3.0, 3.0, "in 4 equal parts"),
    ],
)
def test_windows_fit_the_recordings(lengths, most, seconds, why):
    """Equal parts leave nothing over; a few short recordings must not shorten all windows."""
    report = pd.DataFrame({"ok": [True] * len(lengths) + [False], "seconds": [*lengths, 1.0]})
    found, reason = fitting_seconds(report, most)
    assert found == seconds
    assert why in reason
