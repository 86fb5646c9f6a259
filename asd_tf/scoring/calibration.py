"""Scores of normal clips by backends fitted without them, and statistics of their features."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from asd_tf.backends.fitting.member_fits import FOLDS, LEAVE_ONE_OUT_BELOW
from asd_tf.backends.per_domain import NoTrainingRowsError, RowLabels
from asd_tf.scoring.group_scorer import GroupScorer

BACKEND_ONLY, HOLDOUT, CROSS_FIT_NETWORK = "backend_only", "holdout", "cross_fit_network"

METHODS = (BACKEND_ONLY, HOLDOUT, CROSS_FIT_NETWORK)
"""What has not seen the clips that calibrate: backends, or backends and networks."""

# Difference in standard deviations from which on sessions are said to differ.
_WIDE_GAP = 0.5


def cross_fit_scores(
    group_scorer: GroupScorer,
    features_by_extractor: Mapping[str, np.ndarray],
    domain: RowLabels,
    seed: int,
    recording: RowLabels | None = None,
    folds: Iterable[np.ndarray] | None = None,
    scored: np.ndarray | None = None,
) -> np.ndarray:
    """Scores every clip of a group by a clone of its scorer that is fitted without the clip.

    Recordings of domains with at least 10 recordings are divided into 5 folds, stratified by
    domain. Each recording of a smaller domain is scored by a fit to all others. A missing domain
    counts as source.

    Args:
        group_scorer: The scorer of the group; it is not changed.
        features_by_extractor: [n, D] or [n, items, D] features of its normal clips.
        domain: [n] domain of each clip.
        seed: Seed of the folds.
        recording: [n] the recording of each clip, whose clips are in the same fold and domain; None
            if each clip is one.
        folds: Indices of the clips of each fold, in place of folds of recordings.
        scored: [n] bool, the clips whose recordings are scored; every fit has all others. None for
            all clips.

    Returns:
        [n, scorers] anomaly scores of each scorer alone; NaN if no clips are left to fit to, as for
        the only recording of a group, and for clips that are not scored.
    """
    domains = _with_source(domain)
    scores = np.full([len(domains), len(group_scorer.scorers)], np.nan)
    if folds is None:
        folds = _folds_of_recordings(recording, domains, seed, scored)
    for held in folds:
        rest = np.setdiff1d(np.arange(len(domains)), held)
        if not len(rest):
            continue
        try:
            scorer = group_scorer.clone().fit(_select(features_by_extractor, rest), domains[rest])
        except NoTrainingRowsError:
            continue
        scores[held] = _parts(scorer, features_by_extractor, domains, held)
    return scores


def held_out_scores(
    group_scorer: GroupScorer,
    features_by_extractor: Mapping[str, np.ndarray],
    domain: RowLabels,
    held_out: np.ndarray,
) -> tuple[GroupScorer, np.ndarray]:
    """Fits the scorer of a group to the clips that are not held out, and scores the others.

    Args:
        group_scorer: The scorer of the group; it is fitted in place.
        features_by_extractor: [n, D] or [n, items, D] features of its normal clips.
        domain: [n] domain of each clip.
        held_out: [n] bool, true for the clips that are held out.

    Returns:
        The fitted scorer, and [n, scorers] anomaly scores of each of its scorers alone; NaN for
        clips that are not held out.
    """
    domains = _with_source(domain)
    rest = np.flatnonzero(~held_out)
    fitted = group_scorer.fit(_select(features_by_extractor, rest), domains[rest])
    scores = np.full([len(domains), len(fitted.scorers)], np.nan)
    held = np.flatnonzero(held_out)
    if len(held):
        scores[held] = _parts(fitted, features_by_extractor, domains, held)
    return fitted, scores


def matching_weights(scores: Sequence[np.ndarray]) -> list[float]:
    """Returns weights that give the scores of all scorers the same standard deviation.

    Args:
        scores: For each group, [n, scorers] scores of each scorer alone on normal clips. Clips with
            a score that is not finite are left out.

    Returns:
        [scorers] the standard deviation within groups of the first scorer, divided by that of each
        scorer; 1 if either of the two is 0.
    """
    stds = _stds_within(scores)
    return [float(stds[0] / std) if stds[0] > 0 and std > 0 else 1.0 for std in stds]


def _stds_within(scores: Sequence[np.ndarray]) -> np.ndarray:
    """Returns [scorers] the standard deviations within groups; 0 if there are no finite scores."""
    finite = [of_group[np.isfinite(of_group).all(axis=1)] for of_group in scores]
    centered = [of_group - of_group.mean(axis=0) for of_group in finite if len(of_group)]
    if not centered:
        return np.zeros(scores[0].shape[1])
    return np.sqrt(np.mean(np.square(np.concatenate(centered)), axis=0))


def score_scales(scores: np.ndarray, of_machine: Sequence[np.ndarray]) -> list[tuple[float, float]]:
    """Returns mean and standard deviation of the scores of each scorer on the normal clips.

    Args:
        scores: [n, scorers] scores of the group; rows with a score that is not finite are left out.
        of_machine: The same for each group of the machine. Where the group has fewer than 10
            clips, the deviation is that within all groups of the machine.

    Returns:
        [scorers] (mean, standard deviation); the deviation is 1 where it would be 0.
    """
    finite = scores[np.isfinite(scores).all(axis=1)]
    if not len(finite):
        return [(0.0, 1.0)] * scores.shape[1]
    stds = _stds_within(of_machine if len(finite) < LEAVE_ONE_OUT_BELOW else [finite])
    return [
        (float(mean), float(std) if std > 1e-12 else 1.0)
        for mean, std in zip(finite.mean(axis=0), stds, strict=True)
    ]


def feature_statistics(features: np.ndarray) -> dict[str, Any]:
    """Returns mean and standard deviation of each feature of normal clips, in plain values.

    Args:
        features: [n, D] or [n, items, D]; all items have the same weight.

    Returns:
        `mean` and `std`, lists of D numbers, and `n`, the number of clips.
    """
    rows = np.asarray(features).reshape(-1, features.shape[-1])
    return {
        "mean": np.mean(rows, axis=0, dtype=np.float64).tolist(),
        "std": np.std(rows, axis=0, dtype=np.float64).tolist(),
        "n": len(features),
    }


def _recordings(recording: RowLabels | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of each clip's recording [n], and the first clip of each recording."""
    if recording is None:
        return np.arange(count), np.arange(count)
    number, _ = pd.factorize(pd.Series(recording))
    return number, np.unique(number, return_index=True)[1]


def session_gap(by_session: np.ndarray, by_recording: np.ndarray) -> float:
    """Returns by how much scores rise where the backend has not seen the session of a clip.

    Args:
        by_session: [n, scorers] scores by fits without the session of each clip.
        by_recording: [n, scorers] scores by fits without the recording of each clip.

    Returns:
        The largest difference of means of a scorer, in standard deviations of `by_recording`; 0 if
        no clip has both scores.
    """
    both = np.isfinite(by_session).all(axis=1) & np.isfinite(by_recording).all(axis=1)
    if not both.any():
        return 0.0
    rise = by_session[both].mean(axis=0) - by_recording[both].mean(axis=0)
    std = by_recording[both].std(axis=0)
    return float(np.max(np.divide(rise, std, out=np.zeros_like(rise), where=std > 1e-12)))


def session_gap_line(machine: str, section: str, group_by: str, gap: float) -> str | None:
    """Returns a warning where `session_gap` is wide; None says nothing of how safe folds are."""
    if gap < _WIDE_GAP:
        return None
    return (
        f"{machine}, section {section}: normal clips score {gap:.1f} standard deviations higher "
        f"where a backend has not heard others of their group (calibration.group_by={group_by}): "
        "conditions differ much between groups, and a promise takes many of them"
    )


def _folds_of_recordings(
    recording: RowLabels | None, domains: np.ndarray, seed: int, scored: np.ndarray | None
) -> Iterator[np.ndarray]:
    """Yields the clips that are scored by the same fit, by folds of recordings."""
    number, first = _recordings(recording, len(domains))
    recordings = np.arange(len(first)) if scored is None else np.unique(number[scored])
    for some in _held_out(domains[first[recordings]], seed):
        yield np.flatnonzero(np.isin(number, recordings[some]))


def _held_out(domains: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Yields the recordings that are scored by the same fit; every recording occurs once."""
    names, counts = np.unique(domains.astype(str), return_counts=True)
    shared = np.flatnonzero(np.isin(domains, names[counts >= LEAVE_ONE_OUT_BELOW]))
    if len(shared):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for _, held in folds.split(shared, domains[shared].astype(str)):
            yield shared[held]
    for clip in np.setdiff1d(np.arange(len(domains)), shared):
        yield np.array([clip])


def _with_source(domain: RowLabels) -> np.ndarray:
    """Returns [n] domains, with source in place of missing values."""
    return np.array(["source" if pd.isna(d) else str(d) for d in domain], dtype=object)


def _parts(
    scorer: GroupScorer,
    features: Mapping[str, np.ndarray],
    domains: np.ndarray,
    indices: np.ndarray,
) -> np.ndarray:
    """Returns [indices, scorers] the scores of each scorer alone for the clips at `indices`."""
    parts = scorer.parts(_select(features, indices), domains[indices])
    return np.stack([part.clip for part in parts], axis=1)


def _select(
    features_by_extractor: Mapping[str, np.ndarray], indices: np.ndarray
) -> dict[str, np.ndarray]:
    return {name: features[indices] for name, features in features_by_extractor.items()}
