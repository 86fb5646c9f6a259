"""`feedback`: alarms that people have judged change a detector.

Dismissed ones are normal recordings. Confirmed ones are kept apart, for later versions to be
measured on; nothing is ever fitted to them.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.detector import Detector
from asd_tf.errors import InputError
from asd_tf.service.versions.change import Change, noted
from asd_tf.service.versions.fitted_again import check_keeps
from asd_tf.service.versions.hearing import hear
from asd_tf.service.versions.normal import check_left, recordings_of, say_new_sections
from asd_tf.service.versions.recordings import (
    kept_tables,
    known_windows,
    without,
    without_copies,
)
from asd_tf.service.versions.verdicts import CONFIRMED, DISMISSED, read_verdicts

_logger = logging.getLogger(__name__)

_KEY = ["machine", "section", "digest"]


def judged(detector: Detector, path: str | Path) -> Change:
    """Returns the change that judged alarms make in a detector.

    A confirmed recording that is among the normal ones leaves these, and a dismissed one that is
    among the confirmed ones leaves those.

    Args:
        detector: The detector.
        path: The table, see `asd_tf.service.versions.verdicts`.

    Raises:
        InputError: If the detector cannot be fitted again, the table is none, or nothing in it is
            new.
        UsageError: If a machine and section would be left without a normal recording to fit to.
    """
    check_keeps(detector)
    windows = without_copies(known_windows(detector, read_verdicts(path, detector.channel)))
    normal, confirmed = kept_tables(detector), kept_tables(detector, confirmed=True)
    is_dismissed = windows["verdict"] == DISMISSED
    dismissed = without(windows[is_dismissed], normal, "normal recordings that are there")
    real = without(windows[~is_dismissed], confirmed, "confirmed anomalies that are there")
    real = _of_known_sections(detector, real)
    if dismissed.empty and real.empty:
        raise InputError(f"{path}: no verdict is new")
    leaving, returning = _same(normal, real), _same(confirmed, dismissed)
    if len(leaving):
        check_left(detector, leaving)
        _say("%d normal recordings are now confirmed anomalies, such as %s", leaving)
    if len(returning):
        _say("%d confirmed anomalies are now dismissed, such as %s", returning)
    tables, heard = {}, {}
    for verdict, some in ((DISMISSED, dismissed), (CONFIRMED, real)):
        if len(some):
            tables[verdict], heard[verdict] = hear(detector, some, verdict == DISMISSED)
    if DISMISSED in tables:
        say_new_sections(detector, tables[DISMISSED])
    notes = {"added": tables.get(DISMISSED), "removed": leaving, "confirmed": tables.get(CONFIRMED)}
    return Change(
        "feedback",
        {name: noted(table) for name, table in notes.items() if table is not None and len(table)},
        normal=heard.get(DISMISSED, {}),
        confirmed=heard.get(CONFIRMED, {}),
        leaving=recordings_of(leaving),
        dismissed=recordings_of(returning),
    )


def _of_known_sections(detector: Detector, windows: pd.DataFrame) -> pd.DataFrame:
    """Leaves out, in a line, confirmed anomalies of sections that nothing is fitted to."""
    known = detector.is_known(windows)
    if not known.all():
        first = windows[~known].iloc[0]
        _logger.warning(
            "%d confirmed recordings are left out, such as %s: section '%s' of '%s' is not known",
            windows["recording_id"][~known].nunique(), first["recording_id"], first["section"],
            first["machine"],
        )  # fmt: skip
    return windows[known].reset_index(drop=True)


def _same(kept: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of a table of kept windows whose recordings are among others."""
    keys = set(zip(*(windows[name] for name in _KEY), strict=True))
    own = zip(*(kept[name] for name in _KEY), strict=True)
    return kept[np.array([key in keys for key in own], bool)]


def _say(line: str, table: pd.DataFrame) -> None:
    _logger.warning(line, table["recording_id"].nunique(), table["recording_id"].iloc[0])
