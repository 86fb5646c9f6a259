"""Labels and domains that are kept apart from the clip table and only used in evaluation."""

import pandas as pd


def join_ground_truth(scored: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Fills in labels and domains of clips that were scored without them.

    Args:
        scored: The scored table, in any order.
        truth: The columns clip_id, label and domain, one row per clip.

    Returns:
        A copy of the scored table; clips that `truth` does not contain are unchanged.
    """
    indices = pd.Index(truth["clip_id"]).get_indexer(scored["clip_id"])
    is_named = indices >= 0
    result = scored.copy()
    for column in ("label", "domain"):
        values = truth[column].iloc[indices[is_named]].set_axis(result.index[is_named])
        result.loc[is_named, column] = values
    return result
