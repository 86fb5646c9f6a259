"""A bounded number of rows that represent the training rows: k-means centers or a coreset."""

import numpy as np
from sklearn.cluster import KMeans

from asd_tf.arguments import check_choices, check_counts
from asd_tf.backends.base import distinct_rows, unit_rows

BOUNDS = ("kmeans", "coreset")


def bounded_bank(
    rows: np.ndarray, max_items: int | None, bound: str, random_state: int | None
) -> np.ndarray:
    """Returns rows of length 1 that represent all rows.

    The coreset is greedy (Roth et al., "Towards total recall in industrial anomaly detection", CVPR
    2022, Algorithm 1, without its random projection): it starts with the row nearest to the mean
    and repeatedly adds the row that is farthest from those already chosen. It keeps rare rows, such
    as those of a target domain; k-means represents frequent rows.

    Args:
        rows: [n, D] of length 1.
        max_items: Largest number of rows to return; None for all.
        bound: `kmeans` or `coreset`.
        random_state: Seed of k-means.

    Returns:
        [items, D]; all rows, unchanged, if there are at most `max_items`.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_choices(BOUNDS, bound=bound)
    if max_items is None:
        return rows
    check_counts(max_items=max_items)
    if len(rows) <= max_items:
        return rows
    if bound == "coreset":
        return rows[greedy_coreset(rows, max_items)]
    clusters = distinct_rows(rows, max_items)
    kmeans = KMeans(clusters, n_init=1, random_state=random_state)
    return unit_rows(kmeans.fit(rows).cluster_centers_)


def greedy_coreset(rows: np.ndarray, items: int) -> np.ndarray:
    """Returns [items] indices of rows [n, D], in the order in which they are chosen.

    There are fewer if there are fewer distinct rows.
    """
    squares = np.einsum("nd,nd->n", rows, rows)

    def distances(to: np.ndarray) -> np.ndarray:
        return squares - 2 * (rows @ to) + to @ to

    chosen = [int(np.argmin(distances(rows.mean(axis=0))))]
    nearest = np.full(len(rows), np.inf, rows.dtype)
    while len(chosen) < items:
        nearest = np.minimum(nearest, distances(rows[chosen[-1]]))
        nearest[chosen[-1]] = -np.inf
        farthest = int(np.argmax(nearest))
        if nearest[farthest] <= 1e-6 * squares.max():  # equal up to rounding
            break
        chosen.append(farthest)
    return np.array(chosen)
