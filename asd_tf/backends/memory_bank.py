"""What is kept of the training rows where there are too many: k-means centres, or a coreset."""

import numpy as np
from sklearn.cluster import KMeans

from asd_tf.backends.base import distinct_rows, unit_rows

BOUNDS = ("kmeans", "coreset")


def bounded_bank(
    rows: np.ndarray, max_items: int | None, bound: str, random_state: int | None
) -> np.ndarray:
    """Returns rows of length one that stand for all rows.

    A coreset is greedy (Roth et al., "Towards total recall in industrial anomaly detection", CVPR
    2022, Algorithm 1, without its random projection): from the row nearest to the mean on, always
    the row that is farthest from those that were taken. It keeps rare rows, such as those of a
    target domain; k-means keeps what is frequent.

    Args:
        rows: [n, D] of length one.
        max_items: The most rows to return; None for all.
        bound: One of `BOUNDS`.
        random_state: Seed of k-means.

    Returns:
        [items, D]; all rows as they are if there are no more than `max_items`.

    Raises:
        ValueError: If an argument is not one of its values.
    """
    if bound not in BOUNDS:
        raise ValueError(f"bound {bound!r} is not known: use one of {', '.join(BOUNDS)}")
    if max_items is None:
        return rows
    if max_items < 1:
        raise ValueError(f"max_items={max_items} keeps nothing: use at least 1, or None for all")
    if len(rows) <= max_items:
        return rows
    if bound == "coreset":
        return rows[greedy_coreset(rows, max_items)]
    clusters = distinct_rows(rows, max_items)
    kmeans = KMeans(clusters, n_init=1, random_state=random_state)
    return unit_rows(kmeans.fit(rows).cluster_centers_)


def greedy_coreset(rows: np.ndarray, items: int) -> np.ndarray:
    """Returns [items] indices of `rows` [n, D], in the order in which they are taken.

    Fewer, if there are no more distinct rows.
    """
    squares = np.einsum("nd,nd->n", rows, rows)

    def distances(to: np.ndarray) -> np.ndarray:
        return squares - 2 * (rows @ to) + to @ to

    taken = [int(np.argmin(distances(rows.mean(axis=0))))]
    nearest = np.full(len(rows), np.inf, rows.dtype)
    while len(taken) < items:
        nearest = np.minimum(nearest, distances(rows[taken[-1]]))
        nearest[taken[-1]] = -np.inf
        farthest = int(np.argmax(nearest))
        if nearest[farthest] <= 1e-6 * squares.max():  # rounding of equal rows
            break
        taken.append(farthest)
    return np.array(taken)
