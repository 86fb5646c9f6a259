"""SMOTE: synthetic rows between the rows of a domain that has few."""

import numpy as np

from asd_tf.backends.neighbors import nearest_items


def smote_rows(
    rows: np.ndarray, items: int, n_neighbors: int = 2, random_state: int = 0
) -> np.ndarray:
    """Appends synthetic rows until there are `items` rows.

    A synthetic row is a random point between a random row and a random one of its nearest other
    rows (Chawla et al., JAIR 2002). Distances are Euclidean: pass rows of length 1 where only
    directions matter. A pure function of its arguments.

    Args:
        rows: [n, D].
        items: Number of rows to return; if it is smaller than n, all n rows are returned.
        n_neighbors: Number of nearest rows to choose from; capped at n - 1.
        random_state: Seed.

    Returns:
        [max(n, items), D], the given rows first. A single row is returned as it is.
    """
    missing, others = items - len(rows), min(n_neighbors, len(rows) - 1)
    if missing <= 0 or not others:
        return rows
    random = np.random.default_rng(random_state)
    nearest = _others(rows, others)
    begin = random.integers(len(rows), size=missing)
    end = nearest[begin, random.integers(others, size=missing)]
    share = random.random([missing, 1]).astype(rows.dtype)
    return np.concatenate([rows, rows[begin] + share * (rows[end] - rows[begin])])


def _others(rows: np.ndarray, count: int) -> np.ndarray:
    """Returns [n, count] indices of the nearest other rows of each row."""
    nearest = nearest_items(rows, rows, count + 1, np.ones(len(rows), rows.dtype))
    own = nearest == np.arange(len(rows))[:, np.newaxis]
    # If there are more copies of a row than neighbors, it may not be among its own neighbors.
    own[~own.any(axis=1), -1] = True
    return nearest[~own].reshape(len(rows), count)
