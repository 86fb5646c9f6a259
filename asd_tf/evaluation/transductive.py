"""Scores that no detector can have, since they need all test clips at once."""

from collections.abc import Mapping

import numpy as np
import pandas as pd


def transductive_zscore(scored: pd.DataFrame, members: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the smallest of the members' scores, each standardised over the test clips.

    As RMIS and GenRep score: the distances to the source and to the target domain are brought to
    mean 0 and deviation 1 over the test set of each section before the smaller one counts (field's
    name: domain-wise z-score). A clip's score then depends on which other clips are tested.

    Args:
        scored: The scored table.
        members: Name to the anomaly scores [n] of each member of the backends, NaN where a clip has
            none.

    Returns:
        [n].
    """
    columns = standardised_over_test(scored, np.stack(list(members.values()), axis=1))
    result = np.full(len(scored), np.nan)
    with_score = np.isfinite(columns).any(axis=1)
    result[with_score] = np.nanmin(columns[with_score], axis=1)
    return result


def standardised_over_test(scored: pd.DataFrame, columns: np.ndarray) -> np.ndarray:
    """Brings scores to mean 0 and deviation 1 over the test clips of each subset and section.

    Args:
        scored: The scored table.
        columns: [n, columns] scores of its rows, NaN where there is none.

    Returns:
        [n, columns], NaN also where no test clip of the section has a score.
    """
    result = np.full(columns.shape, np.nan)
    tested = (scored["split"] == "test").to_numpy(bool)
    for rows in scored.groupby(["subset", "machine", "section"], sort=True).indices.values():
        test = columns[rows[tested[rows]]]
        seen = np.isfinite(test).any(axis=0)
        if not seen.any():
            continue
        mean, sd = np.nanmean(test[:, seen], axis=0), np.nanstd(test[:, seen], axis=0)
        standardised = (columns[rows][:, seen] - mean) / np.where(sd > 0, sd, 1.0)
        result[np.ix_(rows, seen)] = standardised
    return result
