"""Checks the sample rate of a recipe against that of the recordings."""

import ml_collections
import pandas as pd

from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.errors import UsageError

LIMITS = (2000, 192000)
"""Hz; the sample rates that recipes may have."""


def check_rate(clips: pd.DataFrame, config: ml_collections.ConfigDict) -> None:
    """Checks that no training recording has a lower sample rate than the recipe.

    Above half its own rate a recording has nothing to learn from, and is told from others by that
    alone. A published encoder has one rate, to which all recordings are brought.

    Args:
        clips: The clips that can be read.
        config: The recipe.

    Raises:
        UsageError: If one has; with what to set.
    """
    rate = config.data.sample_rate
    if "pretrained" in config.get("encoder", {}):
        return
    train = clips[clips["split"] == "train"].reset_index(drop=True)
    rates = inspect_clips(train)["rate"]
    lower = rates.between(1, rate - 1)
    if not lower.any() or rate == LIMITS[0]:
        return
    least = int(rates[lower].min())
    raise UsageError(
        f"data.sample_rate={rate}: {lower.sum()} of {len(train)} training clips have less, "
        f"{train['path'][rates.eq(least)].iloc[0]} has {least} Hz, and nothing above {least / 2:g} "
        f"Hz to learn from: --set data.sample_rate={max(least, LIMITS[0])}, or leave them out"
    )
