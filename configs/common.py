"""The sections that the recipes of several methods have alike."""

import ml_collections
from ml_collections import config_dict

# The defaults of all recipes; a `quick` recipe may set its own.
CALIBRATION_METHOD = "backend_only"
HELD_OUT = 0.2


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
        held_out: Share of the source clips of a section that the published method keeps from its
            networks, so that they can calibrate it; None for methods that calibrate by
            cross-fitting of their backends.
    """
    return ml_collections.ConfigDict(
        {
            "false_alarms": 0.1,  # share of unseen normal clips that are promised to raise an alarm
            # conformal: thresholds only where there are enough normal scores for the promise;
            # gamma: beyond these, extrapolated by a fitted gamma distribution.
            "rule": "conformal",
            # pooled: scores as published; predicted: scores on the scale of the domain, which is
            # predicted from the levels of frequency bands.
            "domains": "pooled",
            # What has not seen the clips that calibrate. backend_only: the backend, as published;
            # holdout: network and backend, of a share that is held out; cross_fit_network: as many
            # networks as `networks`, each of a fold of the clips.
            "method": CALIBRATION_METHOD,
            # Share of recordings that calibrate alone: with holdout, of every domain; with
            # backend_only, of the source domain, in methods whose papers or recipes have that.
            "held_out": HELD_OUT if held_out is None else held_out,
            "networks": 3,
            "epochs_share": 1.0,  # of all epochs, which each of the networks is trained for
            # What belongs together and is on one side of every split: an attribute or column, date
            # (in the path), recording_id or contiguous (runs in the order of names). None: the
            # recording, of a DCASE edition; of other data, what sessions are named by.
            "group_by": config_dict.placeholder(str),
        }
    )


def keep_promise(config: ml_collections.ConfigDict) -> None:
    """Sets the calibration of the recipes `quick`, in which the promise of thresholds comes first.

    Args:
        config: The recipe; its section `calibration` is changed.
    """
    config.calibration.domains = "predicted"
