"""Labels and domains that are known to the evaluation alone."""

import pandas as pd


def join_truth(scored: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Fills in labels and domains of clips that were scored without them.

    Args:
        scored: The scored table, in any order.
        truth: clip_id, label and domain, a row per clip.

    Returns:
        The scored table; clips that `truth` does not name are as they were.
    """
    rows = pd.Index(truth["clip_id"]).get_indexer(scored["clip_id"])
    named = rows >= 0
    result = scored.copy()
    for column in ("label", "domain"):
        values = truth[column].iloc[rows[named]].set_axis(result.index[named])
        result.loc[named, column] = values
    return result
