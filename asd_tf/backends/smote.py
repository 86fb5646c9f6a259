"""Rows between rows, for a domain of which there are few (SMOTE)."""

import numpy as np

from asd_tf.backends.neighbors import nearest_items


def smote_rows(
    rows: np.ndarray, items: int, n_neighbors: int = 2, random_state: int = 0
) -> np.ndarray:
    """Returns the rows and enough new ones to be `items` in all.

    A new row lies at a random place on the line from a random row to a random one of its nearest
    others (Chawla et al., JAIR 2002), by Euclidean distance: where only directions count, give rows
    of length one. A pure function of its arguments.

    Args:
        rows: [n, D].
        items: How many are wanted; no row is taken away where there are more.
        n_neighbors: Among how many neighbours one is drawn; at most the number of others.
        random_state: Seed.

    Returns:
        [max(n, items), D], the given rows first; as given if there is only one.
    """
    missing, others = items - len(rows), min(n_neighbors, len(rows) - 1)
    if missing <= 0 or not others:
        return rows
    random = np.random.default_rng(random_state)
    nearest = _others(rows, others)
    begin = random.integers(len(rows), size=missing)
    end = nearest[begin, random.integers(others, size=missing)]
    place = random.random([missing, 1]).astype(rows.dtype)
    return np.concatenate([rows, rows[begin] + place * (rows[end] - rows[begin])])


def _others(rows: np.ndarray, count: int) -> np.ndarray:
    """Returns [n, count] indices of the nearest other rows of each row."""
    nearest = nearest_items(rows, rows, count + 1, np.ones(len(rows), rows.dtype))
    own = nearest == np.arange(len(rows))[:, np.newaxis]
    # Among more copies than neighbours a row may be missing among its own nearest.
    own[~own.any(axis=1), -1] = True
    return nearest[~own].reshape(len(rows), count)
