"""Scores that no detector can have, since they need all test clips at once."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from asd_tf.evaluation.section_metrics import KEY_COLUMNS


def transductive_zscore(scored: pd.DataFrame, members: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the smallest of the members' scores, each standardized over the test clips.

    This is the domain-wise z-score of RMIS and GenRep: the distances to the source and to the
    target domain are standardized over the test clips of each section before the smaller one is
    taken. The score of a clip depends on which other clips are tested.

    Args:
        scored: The scored table.
        members: Name of each member of the backends to its anomaly scores [n], NaN where a clip has
            none.

    Returns:
        Scores [n], NaN where no member has a score.
    """
    columns = standardized_over_test(scored, np.stack(list(members.values()), axis=1))
    result = np.full(len(scored), np.nan)
    has_score = np.isfinite(columns).any(axis=1)
    result[has_score] = np.nanmin(columns[has_score], axis=1)
    return result


def standardized_over_test(scored: pd.DataFrame, columns: np.ndarray) -> np.ndarray:
    """Standardizes scores by mean and standard deviation of the test clips of each section.

    Args:
        scored: The scored table.
        columns: [n, columns], scores of its rows, NaN where there is none.

    Returns:
        [n, columns], NaN also where no test clip of the subset, machine and section has a score.
        Columns that are constant over the test clips are only centered.
    """
    result = np.full(columns.shape, np.nan)
    is_test = (scored["split"] == "test").to_numpy(bool)
    for indices in scored.groupby(list(KEY_COLUMNS), sort=True).indices.values():
        test = columns[indices[is_test[indices]]]
        has_scores = np.isfinite(test).any(axis=0)
        if not has_scores.any():
            continue
        mean = np.nanmean(test[:, has_scores], axis=0)
        std = np.nanstd(test[:, has_scores], axis=0)
        standardized = (columns[indices][:, has_scores] - mean) / np.where(std > 0, std, 1.0)
        result[np.ix_(indices, has_scores)] = standardized
    return result
