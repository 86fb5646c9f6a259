"""Synthetic rows must lie between the few rows of the target domain."""

import numpy as np
import pytest

from asd_tf.backends.cosine import NearestCosine
from asd_tf.backends.fitting.smote import smote_rows
from asd_tf.backends.per_domain import PerDomain

PAIR = [("source", NearestCosine(), "source"), ("target", NearestCosine(), "target")]


def test_new_rows_lie_between_a_row_and_one_of_its_nearest():
    """Synthetic rows must lie between neighboring rows."""
    rows = np.random.default_rng(0).normal(size=(10, 3))
    more = smote_rows(rows, 200, n_neighbors=2)
    assert more.shape == (200, 3)
    np.testing.assert_array_equal(more[:10], rows)
    gaps = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    pairs = [(i, j) for i in range(10) for j in np.argsort(gaps[i])[1:3]]
    places = set()
    for row in more[10:]:
        on_line = []
        for i, j in pairs:
            line = rows[j] - rows[i]
            place = (row - rows[i]) @ line / (line @ line)
            off = np.linalg.norm(row - rows[i] - place * line)
            if off < 1e-9 and 0 <= place <= 1:
                on_line.append((i, j))
        assert on_line
        places.add(on_line[0])
    assert len(places) > 10


def test_the_same_seed_gives_the_same_rows_and_another_others():
    """Synthetic rows must be equal in each fit."""
    rows = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    one = smote_rows(rows, 20)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, smote_rows(rows, 20))
    assert not np.array_equal(one, smote_rows(rows, 20, random_state=1))


@pytest.mark.parametrize("rows", [np.ones((1, 3)), np.ones((6, 3)), np.arange(6.0).reshape(2, 3)])
def test_single_rows_copies_and_pairs(rows):
    """A single row, or copies of one, must be accepted."""
    more = smote_rows(rows, 9, n_neighbors=2)
    assert len(more) == (1 if len(rows) == 1 else 9)
    assert more.min() >= rows.min()
    assert more.max() <= rows.max()
    assert smote_rows(rows, 0) is rows


def test_the_target_members_of_a_backend_get_a_share_of_the_source():
    """Oversampling must change the target member only."""
    rng = np.random.default_rng(2)
    X, domain = rng.normal(size=(110, 6)), ["source"] * 100 + ["target"] * 10
    plain, more = (
        PerDomain(PAIR, normalize="calibration", oversample=share).fit(X, domain=domain)
        for share in (0.0, 0.2)
    )
    kept = {name: estimator.references_ for name, estimator, _ in more.members_}
    assert {name: len(rows) for name, rows in kept.items()} == {"source": 100, "target": 20}
    np.testing.assert_allclose(
        kept["target"], NearestCosine().fit(smote_rows(X[100:], 20)).references_
    )
    assert (more.mean_ != plain.mean_).tolist() == [False, True]  # also in the folds
    with pytest.raises(ValueError, match="oversample"):
        PerDomain(PAIR, oversample=-0.1).fit(X, domain=domain)
