"""How names tell that a recording is a part of a file: `fan.wav#12.5-22.5`."""

import math
import re

_PART = re.compile(r"#(?P<start>\d+(?:\.\d+)?)-(?:\d+(?:\.\d+)?)?(?:#|$)")

_SUFFIXES = re.compile(r"(?:#\d+(?:\.\d+)?-[\d.]*)?(?:#channel\d+)?(?:#[0-9a-f]{8})?$")
"""Of a part, a channel, and another content under the same name."""


def part_suffix(start: float, duration: float) -> str:
    """Returns what the name of a part ends with; nothing for a whole file.

    Args:
        start: Where it starts, in seconds.
        duration: Its length in seconds; NaN to the end of the file.
    """
    if start == 0 and math.isnan(duration):
        return ""
    end = "" if math.isnan(duration) else _short(start + duration)
    return f"#{_short(start)}-{end}"


def start_of(name: str) -> float:
    """Returns where a recording starts in its file, in seconds; 0 for a whole file."""
    part = _PART.search(name)
    return float(part["start"]) if part else 0.0


def file_of(name: str) -> str:
    """Returns the name of the file that a recording, or a channel of one, is a part of."""
    return _SUFFIXES.sub("", name, count=1)


def _short(seconds: float) -> str:
    """Formats seconds to the microsecond, without zeros at the end: 12.5, or 3."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
