"""Of the alarms of a call, no larger share than asked for may be false."""

import numpy as np

from asd_tf.scoring.p_values import PValues
from asd_tf.service.discoveries import Discoveries

COLUMNS = ("path", "score", "p_value", "threshold", "decision", "sensor")


def rows_of(p_values):
    return [(str(i), 1.0, p, 0.5, 1, "ok") for i, p in enumerate(p_values)]


def decisions(rows, rate, columns=COLUMNS):
    discoveries = Discoveries(columns, rate)
    for row in rows:
        discoveries.add([row])
    decided = list(discoveries.decided(rows))
    return [row[columns.index("decision")] for row in decided], "; ".join(discoveries.lines())


def test_the_rows_up_to_the_last_below_the_line_are_alarms():
    """Sorted p-value k of m must be compared with k / m times the rate, the largest decides."""
    p = [0.01, 0.02, 0.035, 0.9, 0.038, 0.6, 0.7, 0.8, 0.039, 0.5]
    assert decisions(rows_of(p), 0.1) == ([1, 1, 1, 0, 1, 0, 0, 0, 1, 0], "")
    found, line = decisions(rows_of([0.2, 0.9, 0.5, 0.4]), 0.1)
    assert found == [0, 0, 0, 0]
    assert line == (
        "no alarm among 4 rows at --fdr=0.1: their smallest p-value is 0.2, which 8 rows would "
        "need to have"
    )


def test_what_cannot_be_judged_does_not_count():
    """Rows without a p-value, or with a faulty sensor, must have no decision and no weight."""
    rows = [*rows_of([0.04]), ("a", None, None, None, None, "ok"), ("b", 9.0, 0.9, 1.0, 1, "hum")]
    assert decisions(rows, 0.05) == ([1, None, None], "")
    assert decisions([rows[1]], 0.05) == ([None], "")
    decided = list(Discoveries(COLUMNS, 0.1).decided([rows[1]]))
    assert decided[0] == rows[1]


def test_scores_without_a_p_value_are_told():
    """A detector without normal scores decides on nothing, which a line must say."""
    found, line = decisions([("a", 9.0, None, None, None, "ok")] * 3, 0.1)
    assert found == [None] * 3
    assert line.startswith("3 rows have no p-value and no decision")


def test_windows_and_recordings_are_judged_apart():
    """The many windows of a table must not decide on its few recordings."""
    columns = (*COLUMNS, "per")
    windows = [(*row, "window") for row in rows_of([0.5] * 8)]
    recordings = [(*row, "recording") for row in rows_of([0.04, 0.6])]
    assert decisions([*windows, *recordings], 0.1, columns)[0] == [0] * 8 + [1, 0]


def test_a_limit_on_false_discoveries_is_kept():
    """Over many calls, the mean share of false alarms among the alarms must be below the rate."""
    rng = np.random.default_rng(0)
    shares, hits = [], []
    for _ in range(300):
        of_group = PValues(rng.normal(size=200))
        scores = np.concatenate([rng.normal(size=80), rng.normal(4, size=20)])
        found = np.array(decisions(rows_of(of_group(scores).tolist()), 0.2)[0])
        shares.append(found[:80].sum() / max(found.sum(), 1))
        hits.append(found[80:].mean())
    assert np.mean(shares) < 0.2
    assert np.mean(hits) > 0.5
