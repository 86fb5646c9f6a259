"""Which channel of a recording is used."""

from collections.abc import Iterable

import pandas as pd

from asd_tf.errors import UsageError

# The microphones of DCASE 2026, and the mean of all channels.
NAMED = {"near": 0, "far": 1, "mean": None}

EACH = "each"
"""All channels, as windows of their own; how many there are is not known before a file is read."""


def parse_channel(text: str, names: Iterable[str] = tuple(NAMED)) -> int | None:
    """Reads `near` (0), `far` (1), `mean` (None) or a number from 0.

    Args:
        text: What was written.
        names: The names that are possible there, for the message.

    Raises:
        UsageError: If it is none of them.
    """
    if text in NAMED:
        return NAMED[text]
    if text.isdecimal():
        return int(text)
    raise UsageError(f"channel '{text}': must be {', '.join(names)} or a number from 0")


def common_channel(clips: pd.DataFrame) -> int | None:
    """Returns the channel of all clips; None where it is the mean, or clips differ."""
    channels = clips["channel"].unique()
    return int(channels[0]) if len(channels) == 1 and not pd.isna(channels[0]) else None
