"""The sections that the recipes of several methods have alike."""

import ml_collections
from ml_collections import config_dict


def data_section(seconds: float | None = 10.0) -> ml_collections.ConfigDict:
    """Returns the section `data`: how clips are read.

    Args:
        seconds: Length to which clips are brought; None for the commonest length of the data.
    """
    return ml_collections.ConfigDict(
        {
            "sample_rate": 16000,  # Hz
            # Length of a window; shorter recordings are repeated.
            "seconds": config_dict.placeholder(float) if seconds is None else seconds,
            "max_seconds": 10.0,  # upper limit of the commonest length, where seconds is none
            # What is used of a longer recording: all its windows, or one (a random part in
            # training, the first in scoring). None: one of a DCASE edition, all of other data.
            "windows": config_dict.placeholder(str),
            "hop": config_dict.placeholder(float),  # s between windows; none: their length
            "max_windows": 60,  # of a training recording, evenly spread, so that none drowns others
            # What tells that a machine stands still: an attribute that says `off`, or `auto` for
            # the level and spectrum of windows. None: it always runs.
            "state": config_dict.placeholder(str),
        }
    )


def recording_section() -> ml_collections.ConfigDict:
    """Returns the section `recording`, which recipes without one get."""
    return ml_collections.ConfigDict(
        {
            # How the scores of its windows become that of a recording: mean, max or softmax.
            "pool": "softmax",
            # Whether a backend for each domain uses the domain of what it scores: known, or blind.
            # None: blind for editions of DCASE that do not state it (since 2022), else known.
            "domain": config_dict.placeholder(str),
        }
    )


def calibration_section(held_out: float | None = None) -> ml_collections.ConfigDict:
    """Returns the section `calibration`: how thresholds are chosen.

    Args:
        held_out: Share of the source clips of a section that no network is trained on, so that they
            can calibrate it; None for methods that calibrate by cross-fitting.
    """
    section = {
        "false_alarms": 0.1,  # share of unseen normal clips that are promised to raise an alarm
        # conformal: thresholds only where there are enough normal scores for the promise; gamma:
        # beyond these, extrapolated by a fitted gamma distribution.
        "rule": "conformal",
    }
    return ml_collections.ConfigDict(
        section if held_out is None else {**section, "held_out": held_out}
    )
