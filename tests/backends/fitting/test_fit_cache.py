"""The cache of fits must return equal fits, and only inside its context."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from asd_tf.backends.fitting.fit_cache import fit_cache, memoized
from asd_tf.backends.registry import build_backend


def test_equal_arguments_are_fitted_once_inside_and_always_outside():
    """Equal fits must be computed once, and different fits separately."""
    seen = []

    @memoized
    def fitted(estimator, rows):
        seen.append((estimator.n_neighbors, rows.sum()))
        return len(seen)

    def ask(neighbors, value):
        return fitted(NearestNeighbors(n_neighbors=neighbors), np.full((2, 2), value))

    with fit_cache():
        assert [ask(1, 1.0), ask(1, 1.0), ask(2, 1.0), ask(1, 2.0)] == [1, 1, 2, 3]
    assert [ask(1, 1.0), ask(1, 1.0)] == [4, 5]


def test_remembering_changes_no_score():
    rng = np.random.default_rng(0)
    rows, domain = rng.normal(size=(40, 4)), ["target", "source"] * 20
    members = {"a": {"estimator": "CappedGaussianMixture", "domain": "source"},
               "b": {"estimator": "NormalizedOneClassSVM", "domain": "target"}}  # fmt: skip
    backend = build_backend({"combine": "known", "normalize": "calibration", "members": members})
    expected = backend.fit(rows, domain=domain).score_samples(rows, domain=domain)
    with fit_cache():
        for _ in range(2):
            scores = backend.fit(rows, domain=domain).score_samples(rows, domain=domain)
            np.testing.assert_array_equal(scores, expected)
