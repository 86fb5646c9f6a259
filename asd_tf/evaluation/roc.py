"""ROC curves and score histograms as numbers, to be drawn by plots and reports."""

import dataclasses

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

BINS = 24


@dataclasses.dataclass(frozen=True)
class Curve:
    """A ROC curve.

    Attributes:
        name: The normal clips that it compares with the anomalous ones: `both domains` (`all clips`
            if there is only one domain), `source normals` or `target normals`.
        fpr: [points], false positive rates.
        tpr: [points], true positive rates.
    """

    name: str
    fpr: np.ndarray
    tpr: np.ndarray


def roc_curves(clips: pd.DataFrame) -> list[Curve]:
    """Computes the ROC curves of one section.

    These are the curve of both domains together, and the two curves of the official convention
    since DCASE 2022: the normal clips of one domain against the anomalous clips of both.

    Args:
        clips: Rows of `select_test_clips`, each with a label and a score.

    Returns:
        At most three curves; a curve that would lack a class is left out.
    """
    anomalous, in_target = clips["label"] == 1, clips["is_target"]
    compared = [("both domains" if in_target.any() else "all clips", clips)]
    if in_target.any():
        compared += [
            ("source normals", clips[~in_target | anomalous]),
            ("target normals", clips[in_target | anomalous]),
        ]
    return [
        Curve(name, *roc_curve(rows["label"], rows["score"])[:2])
        for name, rows in compared
        if rows["label"].nunique() == 2
    ]


@dataclasses.dataclass(frozen=True)
class Bars:
    """The histogram of one label in one domain.

    Attributes:
        name: `normal`, `anomalous` or `no label`.
        is_target: Whether its clips are of the target domain.
        heights: [bins], share of the clips of this label and domain, in 0..1.
    """

    name: str
    is_target: bool
    heights: np.ndarray


@dataclasses.dataclass(frozen=True)
class Histogram:
    """The scores of one section.

    Attributes:
        edges: [bins + 1]; scores outside the edges are counted in the outermost bins.
        bars: One for each label and domain that has clips.
        thresholds: [thresholds], the distinct finite thresholds.
    """

    edges: np.ndarray
    bars: list[Bars]
    thresholds: np.ndarray

    @property
    def highest(self) -> float:
        """Height of the tallest bar."""
        return max(bars.heights.max() for bars in self.bars)

    @property
    def has_target(self) -> bool:
        """Whether any clip is of the target domain."""
        return any(bars.is_target for bars in self.bars)


def score_histogram(clips: pd.DataFrame) -> Histogram:
    """Counts the scores of one section by label and domain.

    Args:
        clips: Rows of `select_test_clips`, each with a score, at least one.
    """
    thresholds = np.unique(clips["threshold"].to_numpy(np.float64, na_value=np.nan))
    thresholds = thresholds[np.isfinite(thresholds)]
    edges = _edges(clips["score"].to_numpy(), thresholds)
    bars = []
    for name, label in (("normal", 0.0), ("anomalous", 1.0), ("no label", None)):
        of_label = clips["label"].isna() if label is None else clips["label"] == label
        for is_target in (False, True):
            scores = clips.loc[of_label & (clips["is_target"] == is_target), "score"].to_numpy()
            if len(scores):
                counts, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)
                bars.append(Bars(name, is_target, counts / len(scores)))
    return Histogram(edges, bars, thresholds)


def _edges(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Returns bin edges that include the thresholds, but not outliers.

    Outliers are more than three interquartile ranges from the quartiles.
    """
    low, high = np.percentile(scores, [25, 75])
    margin = 3 * (high - low)
    low, high = max(scores.min(), low - margin), min(scores.max(), high + margin)
    low, high = min(low, *thresholds, high), max(high, *thresholds, low)
    if np.isclose(low, high, rtol=1e-6, atol=0):
        margin = 0.5 * max(abs(low), 1e-3)
        low, high = low - margin, high + margin
    return np.linspace(low, high, BINS + 1)
