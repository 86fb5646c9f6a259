"""What is remembered of fits."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from asd_tf.backends.fits import once, remembered_fits
from asd_tf.backends.registry import build_backend


def test_equal_arguments_are_fitted_once_inside_and_always_outside():
    """A fit is repeated for every clip that is left out, or taken for that of other clips."""
    seen = []

    @once
    def fitted(estimator, rows):
        seen.append((estimator.n_neighbors, rows.sum()))
        return len(seen)

    def ask(neighbors, value):
        return fitted(NearestNeighbors(n_neighbors=neighbors), np.full((2, 2), value))

    with remembered_fits():
        assert [ask(1, 1.0), ask(1, 1.0), ask(2, 1.0), ask(1, 2.0)] == [1, 1, 2, 3]
    assert [ask(1, 1.0), ask(1, 1.0)] == [4, 5]


def test_remembering_changes_no_score():
    rng = np.random.default_rng(0)
    rows, domain = rng.normal(size=(40, 4)), ["target", "source"] * 20
    members = {"a": {"estimator": "CappedGaussianMixture", "domain": "source"},
               "b": {"estimator": "NormalizedOneClassSVM", "domain": "target"}}  # fmt: skip
    backend = build_backend({"combine": "known", "normalise": "calibration", "members": members})
    expected = backend.fit(rows, domain=domain).score_samples(rows, domain=domain)
    with remembered_fits():
        for _ in range(2):
            scores = backend.fit(rows, domain=domain).score_samples(rows, domain=domain)
            np.testing.assert_array_equal(scores, expected)
