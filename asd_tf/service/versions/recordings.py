"""The recordings that a command names, checked and divided into the windows of a detector."""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.data.fingerprints import NONE
from asd_tf.data.layouts.dcase import parse
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector import Detector
from asd_tf.detector.kept.windows import digests_of
from asd_tf.detector.parts import single_parts
from asd_tf.errors import InputError

_logger = logging.getLogger(__name__)

_KEY = ["machine", "section"]


def named_recordings(
    detector: Detector,
    paths: Iterable[str | Path],
    machine: str | None = None,
    section: str | None = None,
    domain: str | None = None,
) -> pd.DataFrame:
    """Returns the clip table of normal recordings.

    Args:
        detector: The detector; its channel is used where a manifest names none.
        paths: Files, folders and manifests.
        machine: The machine of all; None for those of paths and manifests.
        section: The section of all.
        domain: The domain of all, `source` or `target`.

    Raises:
        InputError: If a recording is said to be anomalous.
    """
    clips = Inputs(paths, detector.channel).table()
    given = {"machine": machine, "section": section, "domain": domain}
    clips = clips.assign(**{name: value for name, value in given.items() if value is not None})
    for clip in clips.itertuples():
        name = parse(Path(clip.path))
        of_name = None if name is None else name.label
        if (of_name if pd.isna(clip.label) else clip.label) == 1:
            raise InputError(
                f"{clip.clip_id}: is said to be anomalous, and nothing may be fitted to it; "
                "confirm it with `asd-detector feedback`, or leave it out"
            )
    return clips


def known_windows(detector: Detector, clips: pd.DataFrame) -> pd.DataFrame:
    """Divides recordings into windows, and leaves out those of unknown machines in a line.

    Args:
        detector: The detector.
        clips: The clip table.

    Returns:
        The clip table of the windows, with the column digest. Sections may be new.

    Raises:
        InputError: If none is left.
    """
    windows = pd.concat(list(detector.batches(clips)), ignore_index=True)
    machines = {machine for machine, _ in detector.thresholds}
    known = windows["machine"].isin(machines) & windows["section"].notna()
    if not known.all():
        first = windows[~known].iloc[0]
        _logger.warning(
            "%d of %d recordings are left out, such as %s: machine '%s', section '%s' (set "
            "--machine and --section)", windows["recording_id"][~known].nunique(),
            windows["recording_id"].nunique(), first["recording_id"], first["machine"],
            first["section"],
        )  # fmt: skip
    if not known.any():
        raise InputError(
            f"no recording is of a machine that is known: {', '.join(sorted(machines))}"
        )
    windows = windows[known].reset_index(drop=True)
    return windows.assign(digest=digests_of(windows))


def without(windows: pd.DataFrame, others: pd.DataFrame, what: str) -> pd.DataFrame:
    """Returns the windows of recordings that are not among others, and says how many are.

    Args:
        windows: The clip table of the windows, with the column digest.
        others: Columns machine, section and digest.
        what: What the others are, for the line.
    """
    keys = set(zip(*(others[name] for name in (*_KEY, "digest")), strict=True))
    own = zip(*(windows[name] for name in (*_KEY, "digest")), strict=True)
    is_there = np.array([key in keys and key[2] != NONE for key in own], bool)
    if is_there.any():
        _logger.warning(
            "%d of %d recordings are skipped, such as %s: their content is that of %s",
            windows["recording_id"][is_there].nunique(), windows["recording_id"].nunique(),
            windows["recording_id"][is_there].iloc[0], what,
        )  # fmt: skip
    return windows[~is_there].reset_index(drop=True)


def without_copies(windows: pd.DataFrame) -> pd.DataFrame:
    """Returns the windows without those of recordings that are copies of an earlier one."""
    first = windows.groupby([*_KEY, "digest"], sort=False)["recording_id"].transform("first")
    is_copy = (first != windows["recording_id"]) & (windows["digest"] != NONE)
    if is_copy.any():
        _logger.warning(
            "%d recordings are skipped, such as %s: they are named twice, or copies",
            windows["recording_id"][is_copy].nunique(), windows["recording_id"][is_copy].iloc[0],
        )  # fmt: skip
    return windows[~is_copy].reset_index(drop=True)


def kept_tables(detector: Detector, confirmed: bool = False) -> pd.DataFrame:
    """Returns the tables of the windows that the parts of a detector keep, each row once.

    Args:
        detector: The detector.
        confirmed: Whether those of confirmed anomalies are wanted, and not the normal ones.
    """
    tables = [pd.DataFrame(columns=[*_KEY, "recording_id", "clip_id", "digest"])]
    for part in single_parts(detector).values():
        kept = part.confirmed if confirmed else part.windows
        if kept is not None:
            tables.append(kept.table)
    filled = tables[1:] or tables
    return pd.concat(filled, ignore_index=True).drop_duplicates([*_KEY, "clip_id"])


def named_apart(windows: pd.DataFrame, detector: Detector) -> pd.DataFrame:
    """Adds the digest to the names of recordings that are there with another content.

    Args:
        windows: The clip table of the windows, with the column digest.
        detector: The detector whose recordings are there.
    """
    kept = pd.concat([kept_tables(detector), kept_tables(detector, confirmed=True)])
    there = set(kept["recording_id"]) | set(detector.calibration["recording_id"])
    is_there = windows["recording_id"].isin(there)
    suffix = ("#" + windows["digest"].str[:8]).where(is_there, "")
    return windows.assign(
        clip_id=windows["clip_id"] + suffix, recording_id=windows["recording_id"] + suffix
    )
