"""Pooling: from the scores of the items of a clip (frames, crops or segments) to its own score."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from asd_tf.config import choice_problem

_STATISTICS: dict[str, Callable[..., np.ndarray]] = {
    "mean": np.mean,
    "max": np.max,
    "median": np.median,
}

Pool = str | Mapping[str, Any]


def pool_items(scores: np.ndarray, pool: Pool) -> np.ndarray:
    """Pools the scores of items.

    Args:
        scores: [n, items] anomaly scores.
        pool: What `checked_pool` returned.

    Returns:
        [n] scores.
    """
    if isinstance(pool, str):
        return _STATISTICS[pool](scores, axis=1)
    return softmax_pool(scores, **pool["softmax"])


def softmax_pool(scores: np.ndarray, alpha: float, trim: float) -> np.ndarray:
    """Pools items by a mean with larger weights for larger scores, after dropping outliers.

    Kuroyanagi et al. (DCASE 2021), eq. 3, without its factor 1/T', which is the same for all clips.

    Args:
        scores: [n, items] anomaly scores.
        alpha: Factor of the scores in the softmax of the weights: 0 gives the mean, large values
            approach the maximum of the remaining items.
        trim: Share of the items that is dropped at each end, at least 0 and below 0.5. The number
            of dropped items is rounded down.

    Returns:
        [n] scores.
    """
    dropped = int(trim * scores.shape[1])
    kept = np.sort(scores, axis=1)[:, dropped : scores.shape[1] - dropped]
    weights = np.exp(alpha * kept - np.max(alpha * kept, axis=1, keepdims=True))
    return np.sum(kept * weights, axis=1) / np.sum(weights, axis=1)


def checked_pool(pool: Pool) -> Pool:
    """Checks the `pool` of a scorer.

    Args:
        pool: `mean`, `max`, `median` or {"softmax": {"alpha": a, "trim": t}}, see `softmax_pool`.

    Returns:
        The pool in plain values, which can be written as JSON.

    Raises:
        ValueError: If it is none of these, with the nearest name.
    """
    if isinstance(pool, str):
        problem = choice_problem("pool", pool, [*_STATISTICS, "softmax"])
        if problem:
            raise ValueError(problem)
        if pool != "softmax":
            return pool
    return {"softmax": _softmax_arguments(pool)}


def _softmax_arguments(pool: Any) -> dict[str, float]:
    try:
        values = {key: float(pool["softmax"][key]) for key in ("alpha", "trim")}
    except (KeyError, TypeError, ValueError):
        values = {}
    if not values or not 0 <= values["trim"] < 0.5:
        raise ValueError(
            f"pool={pool}: write mean, max, median or "
            '{"softmax": {"alpha": number, "trim": 0 to below 0.5}}'
        )
    return values
