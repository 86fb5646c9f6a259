"""Scores of normal clips that a backend has not seen, and the thresholds that come of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.model_selection import StratifiedKFold

from asd_tf.backends.per_domain import NoTrainingRowsError
from asd_tf.scoring import GroupScorer

_FOLDS = 5
_LEAVE_ONE_OUT_BELOW = 10
_GAMMA_LEAST = 20


def cross_fit_scores(
    group_scorer: GroupScorer,
    features_by_extractor: Mapping[str, np.ndarray],
    domain: Sequence,
    seed: int,
) -> np.ndarray:
    """Scores every clip of a group by a fresh clone of its scorer that was fitted without it.

    Domains of ten clips and more share 5 folds stratified by domain; each clip of a smaller domain
    is scored by a fit to all clips but itself. A missing domain counts as source.

    Args:
        group_scorer: The scorer of the group; it stays as it is.
        features_by_extractor: [n, D] or [n, items, D] features of its normal clips.
        domain: [n] domain of each clip.
        seed: Seed of the folds.

    Returns:
        [n, scorers] anomaly scores of each scorer alone; NaN where nothing to fit to is left, as
        for the only clip of a group.
    """
    domains = _with_source(domain)
    scores = np.full([len(domains), len(group_scorer.scorers)], np.nan)
    for held in _held_out(domains, seed):
        rest = np.setdiff1d(np.arange(len(domains)), held)
        if not len(rest):
            continue
        try:
            scorer = group_scorer.clone().fit(_rows(features_by_extractor, rest), domains[rest])
        except NoTrainingRowsError:
            continue
        scores[held] = _parts(scorer, features_by_extractor, domains, held)
    return scores


def held_out_scores(
    group_scorer: GroupScorer,
    features_by_extractor: Mapping[str, np.ndarray],
    domain: Sequence,
    held_out: np.ndarray,
) -> tuple[GroupScorer, np.ndarray]:
    """Fits the scorer of a group to its clips but those held out, and scores these.

    Args:
        group_scorer: The scorer of the group; it is fitted.
        features_by_extractor: [n, D] or [n, items, D] features of its normal clips.
        domain: [n] domain of each clip.
        held_out: [n] which clips nothing was fitted to.

    Returns:
        The fitted scorer, and [n, scorers] anomaly scores of each of its scorers alone, NaN for
        clips that were not held out.
    """
    domains = _with_source(domain)
    rest = np.flatnonzero(~held_out)
    fitted = group_scorer.fit(_rows(features_by_extractor, rest), domains[rest])
    scores = np.full([len(domains), len(fitted.scorers)], np.nan)
    held = np.flatnonzero(held_out)
    if len(held):
        scores[held] = _parts(fitted, features_by_extractor, domains, held)
    return fitted, scores


def matching_weights(scores: Sequence[np.ndarray]) -> list[float]:
    """Returns weights by which the scores of several scorers spread alike.

    Args:
        scores: For each group, [n, scorers] scores of each scorer alone on normal clips; those that
            are not finite are left out.

    Returns:
        [scorers] the standard deviation of the first scorer within groups over that of each; 1
        where one of both has none.
    """
    finite = [of_group[np.isfinite(of_group).all(axis=1)] for of_group in scores]
    centred = [of_group - of_group.mean(axis=0) for of_group in finite if len(of_group)]
    if not centred:
        return [1.0] * scores[0].shape[1]
    spread = np.sqrt(np.mean(np.square(np.concatenate(centred)), axis=0))
    return [float(spread[0] / one) if spread[0] > 0 and one > 0 else 1.0 for one in spread]


@dataclass(frozen=True)
class Threshold:
    """The anomaly score above which a clip is called anomalous, and where it came from.

    Attributes:
        value: The threshold; None where there were too few scores for one.
        rule: `gamma` or `empirical` quantile, or `none`.
        n: Number of scores it was made from.
        scope: Whose scores these are: `group`, `machine` or `none`.
        quantile: The quantile taken, 0 to 1.
    """

    value: float | None
    rule: str
    n: int
    scope: str
    quantile: float

    def to_json(self) -> dict[str, Any]:
        """Returns the threshold as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Threshold":
        """Returns the threshold that `to_json` gave as `values`."""
        return cls(**values)


def fit_threshold(
    group_scores: np.ndarray, machine_scores: np.ndarray, quantile: float = 0.9
) -> Threshold:
    """Sets the threshold of a group by the scores of its normal clips, both domains together.

    The quantile of a gamma distribution (as the DCASE baselines have it) fitted to the group, if it
    has 20 scores, else to the pooled scores of its machine. With fewer than 20 of these too, or
    where the fit fails, it is the empirical quantile; with fewer than 2 there is no threshold.

    Args:
        group_scores: [n] scores of the group's normal clips; those that are not finite are left
            out.
        machine_scores: [m] scores of all groups of the machine, this one included.
        quantile: Share of the normal clips that is to lie below.
    """
    scores, scope = scores_to_judge_by(group_scores, machine_scores)
    if len(scores) < 2:
        return Threshold(None, "none", len(scores), "none", quantile)
    value = _gamma_quantile(scores, quantile) if len(scores) >= _GAMMA_LEAST else None
    if value is not None:
        return Threshold(value, "gamma", len(scores), scope, quantile)
    value = float(np.quantile(scores, quantile))
    return Threshold(value, "empirical", len(scores), scope, quantile)


def scores_to_judge_by(
    group_scores: np.ndarray, machine_scores: np.ndarray
) -> tuple[np.ndarray, str]:
    """Returns the finite scores of a group if there are 20, else those of its machine.

    Args:
        group_scores: [n] scores of the group's normal clips.
        machine_scores: [m] scores of all groups of the machine, this one included.

    Returns:
        The scores, and whose they are: `group` or `machine`.
    """
    group, machine = _finite(group_scores), _finite(machine_scores)
    # A machine whose only group this is has the same scores: then they are the group's.
    own = len(group) >= _GAMMA_LEAST or len(machine) <= len(group)
    return (group, "group") if own else (machine, "machine")


def fit_thresholds(
    calibration: pd.DataFrame, groups: Sequence[tuple[str, str]], quantile: float = 0.9
) -> dict[tuple[str, str], Threshold]:
    """Sets the threshold of every group by `fit_threshold`.

    Args:
        calibration: Columns machine, section and score, a row per normal clip.
        groups: (machine, section) of each group.
        quantile: Share of the normal clips that is to lie below.
    """
    thresholds = {}
    for machine, section in groups:
        of_machine = calibration[calibration["machine"] == machine]
        of_group = of_machine.loc[of_machine["section"] == section, "score"]
        thresholds[machine, section] = fit_threshold(of_group, of_machine["score"], quantile)
    return thresholds


def decide(scores: np.ndarray, threshold: Threshold) -> pd.api.extensions.ExtensionArray:
    """Returns [n] Int64: 1 where a score exceeds the threshold, else 0.

    Missing where the score is NaN or there is no threshold.
    """
    scores = np.asarray(scores, np.float64)
    unknown = np.isnan(scores) | (threshold.value is None)
    limit = np.nan if threshold.value is None else threshold.value
    return pd.arrays.IntegerArray((scores > limit).astype(np.int64), unknown)


def feature_statistics(features: np.ndarray) -> dict[str, Any]:
    """Returns mean and standard deviation of each feature of normal clips, as plain values.

    Args:
        features: [n, D], or [n, items, D], whose items are counted alike.

    Returns:
        `mean` and `sd`, lists of D numbers, and `n`, the number of clips.
    """
    rows = np.asarray(features).reshape(-1, features.shape[-1])
    mean, sd = (of(rows, axis=0, dtype=np.float64).tolist() for of in (np.mean, np.std))
    return {"mean": mean, "sd": sd, "n": len(features)}


def _gamma_quantile(scores: np.ndarray, quantile: float) -> float | None:
    """Returns the quantile of the fitted gamma distribution, or None where the fit fails."""
    span = np.ptp(scores)
    if span <= 1e-12 * np.abs(scores).max():
        return None
    # scipy's search stops at absolute steps: it fits scores of another scale than 1 badly.
    mean, sd = scores.mean(), scores.std()
    try:
        shape, loc, scale = stats.gamma.fit((scores - mean) / sd)
        value = float(stats.gamma.ppf(quantile, shape, loc, scale) * sd + mean)
    except (ValueError, RuntimeError):  # scipy's FitError is a RuntimeError
        return None
    # Beyond that range the search has run away. NaN is beyond it too.
    return value if scores.min() - span <= value <= scores.max() + span else None


def _held_out(domains: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Yields the indices of the clips that are scored together, every clip once."""
    names, counts = np.unique(domains.astype(str), return_counts=True)
    shared = np.flatnonzero(np.isin(domains, names[counts >= _LEAVE_ONE_OUT_BELOW]))
    if len(shared):
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
        for _, held in folds.split(shared, domains[shared].astype(str)):
            yield shared[held]
    for clip in np.setdiff1d(np.arange(len(domains)), shared):
        yield np.array([clip])


def _with_source(domain: Sequence) -> np.ndarray:
    return np.array(["source" if pd.isna(d) else str(d) for d in domain], dtype=object)


def _parts(
    scorer: GroupScorer, features: Mapping[str, np.ndarray], domains: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Returns [rows, scorers] the scores of each scorer alone."""
    parts = scorer.parts(_rows(features, rows), domains[rows])
    return np.stack([part.clip for part in parts], axis=1)


def _rows(features_by_extractor: Mapping[str, np.ndarray], rows: np.ndarray) -> dict:
    return {name: features[rows] for name, features in features_by_extractor.items()}


def _finite(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    return scores[np.isfinite(scores)]
