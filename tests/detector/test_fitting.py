"""Backends and calibration must treat windows as their use says."""

import numpy as np
import pandas as pd

from asd_tf.backends.registry import build_backend
from asd_tf.data.health.measures import no_measures
from asd_tf.detector.fitting import fit_group
from asd_tf.detector.kept.windows import BOTH, CALIBRATE, FIT, Windows
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.scorers import Scorer


def windows_of(values, use):
    names = [str(index) for index in range(len(values))]
    table = pd.DataFrame({"recording_id": names, "domain": "source", "use": use, "unit": names})
    return Windows(table, {"features": values}, no_measures(len(values)))


def scorer():
    return GroupScorer(
        [Scorer("features", build_backend({"members": {"m": {"estimator": "NearestCosine"}}}))]
    )


def test_added_windows_join_where_clips_were_held_out():
    """Held-out windows calibrate and are not fitted to; later ones are, and calibrate too."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 3)).astype(np.float32)
    use = np.array([FIT] * 15 + [CALIBRATE] * 10 + [BOTH] * 15, object)
    fitted, scores = fit_group(scorer(), windows_of(values, use), seed=0)
    assert np.isnan(scores[use == FIT]).all() and np.isfinite(scores[use != FIT]).all()
    own = fitted.score({"features": values}).clip
    # A window that is fitted to is its own nearest neighbor.
    np.testing.assert_allclose(own[use != CALIBRATE], -1, atol=1e-5)
    np.testing.assert_allclose(scores[use == CALIBRATE, 0], own[use == CALIBRATE])
    assert (scores[use == BOTH, 0] > -1 + 1e-4).all()
    # Each is scored by all windows that are fitted to but those of its fold.
    alone, _ = fit_group(scorer(), windows_of(values[:15], FIT), seed=0)
    assert (
        scores[use == BOTH, 0] <= alone.score({"features": values[use == BOTH]}).clip + 1e-6
    ).all()


def test_new_windows_of_a_session_are_not_scored_by_their_session():
    """Where clips were held out, later ones follow sessions too, of which some are fitted to."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 3)).astype(np.float32)
    values[10:20] = values[20:30]  # each has a twin in its session that is only fitted to
    use = np.array([CALIBRATE] * 10 + [FIT] * 10 + [BOTH] * 10, object)
    windows = windows_of(values, use)
    for has_sessions in (True, False):
        if has_sessions:
            windows.table["unit"] = [f"day{row % 10}" for row in range(30)]
        else:
            windows.table["unit"] = windows.table["recording_id"]
        _, scores = fit_group(scorer(), windows, seed=0)
        assert np.isnan(scores[use == FIT]).all()
        has_heard_twin = scores[use == BOTH, 0] < -1 + 1e-5
        assert has_heard_twin.all() != has_sessions and has_heard_twin.any() != has_sessions
