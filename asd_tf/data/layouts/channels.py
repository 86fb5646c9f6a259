"""Which channel of a recording is used."""

import pandas as pd

from asd_tf.errors import UsageError

# The microphones of DCASE 2026, and the mean of all channels.
NAMED = {"near": 0, "far": 1, "mean": None}


def parse_channel(text: str) -> int | None:
    """Reads `near` (0), `far` (1), `mean` (None) or a number from 0.

    Raises:
        UsageError: If it is none of them.
    """
    if text in NAMED:
        return NAMED[text]
    if text.isdecimal():
        return int(text)
    raise UsageError(f"channel '{text}': must be {', '.join(NAMED)} or a number from 0")


def common_channel(clips: pd.DataFrame) -> int | None:
    """Returns the channel of all clips; None where it is the mean, or clips differ."""
    channels = clips["channel"].unique()
    return int(channels[0]) if len(channels) == 1 and not pd.isna(channels[0]) else None
