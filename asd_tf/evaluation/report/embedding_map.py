"""Maps of embeddings: the features of clips projected to two dimensions by PCA or t-SNE."""

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
_MIN_CLIPS = 3


def map_data(
    clips: pd.DataFrame, features: Mapping[str, np.ndarray], tsne: bool
) -> dict[str, Any] | None:
    """Computes the maps of each extractor, one of all machines and one of each machine.

    Features of items are averaged. Principal components are computed from all clips; beyond
    `MAX_POINTS` clips a random sample is drawn, and t-SNE is computed from the sample only.

    Args:
        clips: Rows of `select_test_clips`, one for each row of features, with the column
            `shown_label`.
        features: Name of an extractor to [clips, D] or [clips, items, D], NaN for unreadable clips.
        tsne: Whether to compute t-SNE, too, which takes up to a minute.

    Returns:
        A dictionary that can be written as JSON, or None if no map has three clips with features of
        at least two dimensions. `sampled`: whether only a sample is drawn. `left_out`: number of
        extractors beyond `MAX_EXTRACTORS`, which get no views. `clips`: columns of the clips drawn,
        some of them codes. `names`: column to the names that its codes stand for. `views`: each
        with extractor, machine (None for all), method, note, and the lists `rows` (indices into
        `clips`), `x` and `y` (0 to 2047).
    """
    if clips.empty:
        return None
    drawn = _drawn(clips)
    position = np.full(len(clips), -1)
    position[drawn] = np.arange(len(drawn))
    machines = sorted(clips["machine"].astype(str).unique())
    views = []
    # The features of the other extractors are not computed.
    for name in itertools.islice(features, MAX_EXTRACTORS):
        vectors = _clip_vectors(features[name], len(clips))
        readable = np.isfinite(vectors).all(axis=1)
        for machine in [None, *(machines if len(machines) > 1 else [])]:
            of_machine = (clips["machine"].astype(str) == machine).to_numpy() | (machine is None)
            indices = np.flatnonzero(readable & of_machine)
            for method in ("PCA", "t-SNE") if tsne else ("PCA",):
                view = _view(vectors, indices, position, method)
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
    """Returns the indices of the clips that are drawn."""
    if len(clips) <= MAX_POINTS:
        return np.arange(len(clips))
    chosen = np.random.default_rng(_RANDOM_STATE).choice(len(clips), MAX_POINTS, replace=False)
    return np.sort(chosen)


def _clip_vectors(values: np.ndarray, clips: int) -> np.ndarray:
    values = np.asarray(values)
    if len(values) != clips:
        raise ValueError(f"features of {len(values)} clips, but {clips} clips")
    values = values.reshape(clips, -1, values.shape[-1])
    # In float64, since the sum of many float16 or float32 items would round. NaN if unreadable.
    return values.mean(axis=1, dtype=np.float64)


def _view(
    vectors: np.ndarray, indices: np.ndarray, position: np.ndarray, method: str
) -> dict[str, Any] | None:
    """Projects the clips of a view.

    Args:
        vectors: [clips, D], the features of all clips.
        indices: The clips of the view.
        position: [clips], position of each clip among those that are drawn, -1 for the others.
        method: `PCA` or `t-SNE`.

    Returns:
        The view, or None if it has too few clips or the features have one dimension.
    """
    is_drawn = position[indices] >= 0
    if is_drawn.sum() < _MIN_CLIPS or vectors.shape[1] < 2:
        return None
    if method == "PCA":
        points, note = _principal_components(vectors[indices])
        points = points[is_drawn]
    else:
        points, note = _tsne(vectors[indices[is_drawn]])
    # If all clips are equal, components are NaN; the clips are drawn as one point.
    x, y = _quantized(np.nan_to_num(points))
    rows = position[indices][is_drawn].tolist()
    return {"method": method, "note": note, "rows": rows, "x": x, "y": y}


def _principal_components(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    solver = "covariance_eigh" if vectors.shape[1] < 1000 else "randomized"
    pca = PCA(2, svd_solver=solver, random_state=_RANDOM_STATE)
    with warnings.catch_warnings():
        # The explained ratio of equal clips is 0 / 0.
        warnings.simplefilter("ignore", RuntimeWarning)
        points = pca.fit_transform(vectors)
    shares = np.nan_to_num(pca.explained_variance_ratio_)
    return points, " and ".join(f"{100 * share:.0f} %" for share in shares) + " of the variance"


def _tsne(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    note = "large distances mean little"
    start, _ = _principal_components(vectors)
    std = start[:, 0].std()
    if not std > 0:
        # scikit-learn would divide by it and crash the process.
        return np.zeros((len(vectors), 2)), note
    if vectors.shape[1] > 50:
        # As the authors of t-SNE advise: this removes noise and makes distances cheaper.
        vectors = PCA(min(50, len(vectors)), random_state=_RANDOM_STATE).fit_transform(vectors)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    start = 1e-4 * start / std
    tsne = TSNE(2, perplexity=perplexity, init=start, random_state=_RANDOM_STATE)
    # Threads wait for each other at each of a thousand short steps: two threads take ten times as
    # long as one if the cores are busy with other work.
    with threadpool_limits(1):
        return tsne.fit_transform(vectors), note


def _quantized(points: np.ndarray) -> tuple[list[int], list[int]]:
    """Rounds points to a grid of integers, with the same scale on both axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - (low + high) / 2) / (np.max(high - low) or 1.0) + 0.5
    x, y = np.round(scaled * _GRID).astype(int).T
    return x.tolist(), y.tolist()


def _described(clips: pd.DataFrame) -> dict[str, Any]:
    """Returns the properties that points can be colored by, as codes, and their ids and scores."""
    columns, names = {}, {}
    colorings = {
        "machine": clips["machine"].astype("string").fillna("unknown"),
        "domain": clips["domain"].astype("string").fillna("no domain"),
        "label": clips["shown_label"],
    }
    for column, values in colorings.items():
        codes, uniques = pd.factorize(values, sort=column == "machine")
        columns[column], names[column] = codes.tolist(), [str(name) for name in uniques]
    scores = [None if np.isnan(score) else float(f"{score:.4g}") for score in clips["score"]]
    return {
        "clips": {**columns, "id": clips["clip_id"].astype(str).tolist(), "score": scores},
        "names": names,
    }
