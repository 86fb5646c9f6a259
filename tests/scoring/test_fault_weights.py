"""Parts must weigh by how well they tell pseudo-faults from normal clips."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.scoring.fault_weights import fault_aucs, fault_weights

PARTS = ["good", "deaf"]


def table(count, shift, seed, sections=("00", "01")):
    """Scores of two machines; `good` rises by `shift`, and its scale differs between sections."""
    rng, rows = np.random.default_rng(seed), []
    for machine in ("fan", "pump"):
        for scale, section in enumerate(sections, 1):
            for _ in range(count):
                good = 100 * scale + scale * (rng.normal() + shift)
                rows.append((machine, section, good, rng.normal()))
    return pd.DataFrame(rows, columns=["machine", "section", *PARTS])


def test_sections_are_compared_on_one_scale():
    """Scores of sections with other scales must be standardized before they are pooled."""
    aucs = fault_aucs(table(200, 0, 0), table(200, 2, 1), PARTS)
    assert set(aucs) == {"fan", "pump"}
    for good, deaf in aucs.values():
        assert good == pytest.approx(0.921, abs=0.03)  # of two normal distributions 2 sd apart
        assert deaf == pytest.approx(0.5, abs=0.06)


def test_clips_without_a_score_do_not_count():
    """A clip that a part cannot score must be left out; without any, the AUC is not known."""
    normals, faults = table(30, 0, 0), table(30, 2, 1)
    faults.loc[faults["machine"] == "pump", "deaf"] = np.nan
    faults.loc[0, "good"] = np.nan
    aucs = fault_aucs(normals, faults, PARTS)
    assert aucs["pump"][1] is None
    assert fault_weights(aucs["pump"]) == (1.0, 1.0)
    assert 0.8 < aucs["fan"][0] < 1


def test_weights_are_roots_of_what_is_above_chance():
    """The best part must weigh 1, and one at or below chance practically nothing."""
    weights = fault_weights([0.9, 0.6, 0.5, 0.2])
    np.testing.assert_allclose(weights, np.sqrt([1, 0.25, 0.001 / 0.4, 0.001 / 0.4]))
    assert fault_weights([0.4, 0.3]) == (1.0, 1.0)
