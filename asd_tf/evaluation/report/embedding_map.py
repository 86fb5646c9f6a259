"""Where clips lie in the space of a network, flattened to two dimensions."""

import itertools
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

MAX_POINTS = 4000
MAX_EXTRACTORS = 16
_GRID = 2047
_RANDOM_STATE = 0
_FEWEST = 3


def map_data(
    clips: pd.DataFrame, features: Mapping[str, np.ndarray], tsne: bool
) -> dict[str, Any] | None:
    """Computes the map of each extractor, over all machines and over each machine alone.

    Of clips with items the mean over the items is taken. Principal components are those of all
    clips; beyond `MAX_POINTS` only a random part is drawn, and only that is given to t-SNE.

    Args:
        clips: Rows of `tested_clips`, one for each row of features, with the column `shown_label`.
        features: Name of an extractor to [clips, D] or [clips, items, D], NaN for unreadable clips.
        tsne: Whether to compute t-SNE, too, which takes up to a minute.

    Returns:
        What can be written as JSON: `sampled` (whether only a part is drawn), `left_out` (how many
        extractors come after the first `MAX_EXTRACTORS`, which alone have views), `clips` (columns
        of what is known of the clips that are drawn), `names` (what the codes of a column stand
        for) and `views`: extractor, machine (None for all), method, note, and `rows`, `x`, `y`,
        where rows count into `clips` and coordinates run from 0 to 2047. None where no machine has
        three clips with features of two dimensions.
    """
    if clips.empty:
        return None
    drawn = _drawn(clips)
    place = np.full(len(clips), -1)
    place[drawn] = np.arange(len(drawn))
    machines = sorted(clips["machine"].astype(str).unique())
    views = []
    # What is left out is not even computed.
    for name in itertools.islice(features, MAX_EXTRACTORS):
        values = features[name]
        vectors = _clip_vectors(values, len(clips))
        readable = np.isfinite(vectors).all(axis=1)
        for machine in [None, *(machines if len(machines) > 1 else [])]:
            inside = (clips["machine"].astype(str) == machine).to_numpy() | (machine is None)
            rows = np.flatnonzero(readable & inside)
            for method in ("PCA", "t-SNE") if tsne else ("PCA",):
                view = _view(vectors, rows, place, method)
                if view is not None:
                    views.append({"extractor": name, "machine": machine, **view})
    if not views:
        return None
    return {
        "views": views,
        "sampled": len(drawn) < len(clips),
        "left_out": max(0, len(features) - MAX_EXTRACTORS),
        **_described(clips.iloc[drawn]),
    }


def _drawn(clips: pd.DataFrame) -> np.ndarray:
    if len(clips) <= MAX_POINTS:
        return np.arange(len(clips))
    chosen = np.random.default_rng(_RANDOM_STATE).choice(len(clips), MAX_POINTS, replace=False)
    return np.sort(chosen)


def _clip_vectors(values: np.ndarray, clips: int) -> np.ndarray:
    values = np.asarray(values)
    if len(values) != clips:
        raise ValueError(f"features of {len(values)} clips, but {clips} clips")
    values = values.reshape(clips, -1, values.shape[-1])
    # The sum of float16 or float32 items would round; of clips without a value it is NaN.
    return values.mean(axis=1, dtype=np.float64)


def _view(
    vectors: np.ndarray, rows: np.ndarray, place: np.ndarray, method: str
) -> dict[str, Any] | None:
    """Flattens the clips of a view; None where they are too few, or their features one number."""
    is_drawn = place[rows] >= 0
    if is_drawn.sum() < _FEWEST or vectors.shape[1] < 2:
        return None
    if method == "PCA":
        points, note = _principal_components(vectors[rows])
        points = points[is_drawn]
    else:
        points, note = _tsne(vectors[rows[is_drawn]])
    # Clips that are all equal have no direction; they are one point.
    x, y = _quantised(np.nan_to_num(points))
    drawn = place[rows][is_drawn].tolist()
    return {"method": method, "note": note, "rows": drawn, "x": x, "y": y}


def _principal_components(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    solver = "covariance_eigh" if vectors.shape[1] < 1000 else "randomized"
    pca = PCA(2, svd_solver=solver, random_state=_RANDOM_STATE)
    with warnings.catch_warnings():
        # Equal clips have no variance to share out.
        warnings.simplefilter("ignore", RuntimeWarning)
        points = pca.fit_transform(vectors)
    shares = np.nan_to_num(pca.explained_variance_ratio_)
    return points, " and ".join(f"{100 * share:.0f} %" for share in shares) + " of the variance"


def _tsne(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    note = "distances between far groups mean little"
    start, _ = _principal_components(vectors)
    spread = start[:, 0].std()
    if not spread > 0:
        # scikit-learn would divide by it and crash the process.
        return np.zeros((len(vectors), 2)), note
    if vectors.shape[1] > 50:
        # As its authors advise: noise falls away, and distances are cheaper.
        vectors = PCA(min(50, len(vectors)), random_state=_RANDOM_STATE).fit_transform(vectors)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    start = 1e-4 * start / spread
    tsne = TSNE(2, perplexity=perplexity, init=start, random_state=_RANDOM_STATE)
    # Its threads wait for each other at every one of a thousand short steps: where cores are busy
    # with other work, two threads take ten times as long as one.
    with threadpool_limits(1):
        return tsne.fit_transform(vectors), note


def _quantised(points: np.ndarray) -> tuple[list[int], list[int]]:
    """Puts points on a grid, with one scale for both axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - (low + high) / 2) / (np.max(high - low) or 1.0) + 0.5
    x, y = np.round(scaled * _GRID).astype(int).T
    return x.tolist(), y.tolist()


def _described(clips: pd.DataFrame) -> dict[str, Any]:
    """Returns what a reader can colour points by, as codes, and what identifies them."""
    columns, names = {}, {}
    known = {
        "machine": clips["machine"].astype("string").fillna("unknown"),
        "domain": clips["domain"].astype("string").fillna("no domain"),
        "label": clips["shown_label"],
    }
    for column, values in known.items():
        codes, found = pd.factorize(values, sort=column == "machine")
        columns[column], names[column] = codes.tolist(), [str(name) for name in found]
    scores = [None if np.isnan(score) else float(f"{score:.4g}") for score in clips["score"]]
    return {
        "clips": {**columns, "id": clips["clip_id"].astype(str).tolist(), "score": scores},
        "names": names,
    }
