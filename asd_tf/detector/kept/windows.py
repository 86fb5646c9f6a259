"""The windows of a machine and section that a detector is fitted to, or is measured on."""

import dataclasses
import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from asd_tf.data.fingerprints import NONE, fingerprints_of
from asd_tf.data.part_names import start_of
from asd_tf.detector.kept.packing import Packing

BOTH, FIT, CALIBRATE = "both", "fit", "calibrate"
"""What a normal window is used for: backends, calibration, or both by cross-fitting."""

COLUMNS = (
    "clip_id", "recording_id", "domain", "start_s", "duration_s", "channel", "digest", "use",
    "comment", "unit",
)  # fmt: skip

MOST_WINDOWS = 2000
"""Windows of a machine and section that a detector keeps at most."""

MOST_BYTES = 32 * 2**20
"""Bytes of their features that it keeps at most."""


@dataclasses.dataclass(frozen=True)
class Windows:
    """Windows of a machine and section, with their features.

    Attributes:
        table: `COLUMNS` of each window; the digest is that of its recording, see `digests_of`, and
            windows of one unit are in the same fold, see `kept_units`.
        features: Extractor to float32 features [windows, D] or [windows, items, D].
        measures: [windows, measures] of their waveforms; NaN where they were not measured.
        packings: Extractor to the packing that the features were read with, if they were.
    """

    table: pd.DataFrame
    features: Mapping[str, np.ndarray]
    measures: np.ndarray
    packings: Mapping[str, Packing] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        """Returns the number of windows."""
        return len(self.table)

    def at(self, rows: np.ndarray) -> "Windows":
        """Returns some of the windows, by number or as [windows] bool."""
        return dataclasses.replace(
            self,
            table=self.table[rows] if rows.dtype == bool else self.table.iloc[rows],
            features={name: values[rows] for name, values in self.features.items()},
            measures=self.measures[rows],
        )._renumbered()

    def and_(self, others: "Windows") -> "Windows":
        """Returns these windows and others after them, of the same extractors."""
        features = {
            name: np.concatenate([values, others.features[name]])
            for name, values in self.features.items()
        }
        return dataclasses.replace(
            self,
            table=pd.concat([self.table, others.table], ignore_index=True),
            features=features,
            measures=np.concatenate([self.measures, others.measures]),
        )

    @property
    def digests(self) -> set[str]:
        """The digests of the recordings."""
        return set(self.table["digest"]) - {NONE}

    def _renumbered(self) -> "Windows":
        return dataclasses.replace(self, table=self.table.reset_index(drop=True))


def table_of(
    clips: pd.DataFrame,
    use: str | np.ndarray = BOTH,
    comment: str = "",
    unit: np.ndarray | None = None,
) -> pd.DataFrame:
    """Returns the table of windows.

    Args:
        clips: The rows of the clip table, all windows of their recordings; a column digest is taken
            as it is.
        use: What each is used for.
        comment: A remark on all of them.
        unit: [windows] what each belongs to; None for its recording.
    """
    digests = clips["digest"] if "digest" in clips else digests_of(clips)
    table = clips.assign(
        digest=digests,
        use=use,
        comment=comment,
        unit=clips["recording_id"] if unit is None else unit,
    )
    return pd.DataFrame(table)[list(COLUMNS)].reset_index(drop=True)


def digests_of(clips: pd.DataFrame) -> np.ndarray:
    """Returns [windows] a digest of the content of the recording of each; `NONE` without a file.

    It depends on the file, its first channel that is used and where the recording starts in it, and
    neither on other names nor on times. Windows of the recording may be missing: those of a machine
    that is off are left out of a training.
    """
    rows = pd.DataFrame(
        {
            "file": clips["clip_id"].map(fingerprints_of(clips)).to_numpy(),
            "start": _starts_of_recordings(clips),
            "channel": clips["channel"].astype("Float64").fillna(-1).to_numpy(np.float64),
        }
    )
    names = clips["recording_id"].to_numpy(object)
    least = rows[["start", "channel"]].groupby(names).transform("min")
    return np.array(
        [
            NONE
            if file == NONE
            else hashlib.sha256(f"{file} {start:.3f} {channel:g}".encode()).hexdigest()[:32]
            for file, start, channel in zip(
                rows["file"], least["start"], least["channel"], strict=True
            )
        ],
        object,
    )


def _starts_of_recordings(clips: pd.DataFrame) -> np.ndarray:
    """Returns [windows] where the recording of each starts in its file, in seconds.

    A row that is no window of a divided recording is one itself.
    """
    return np.array(
        [
            start_of(recording) if clip.startswith(f"{recording}@") else start
            for clip, recording, start in zip(
                clips["clip_id"], clips["recording_id"], clips["start_s"], strict=True
            )
        ],
        np.float64,
    )


def sample_of(table: pd.DataFrame, bytes_of_window: int) -> np.ndarray:
    """Returns the numbers of the windows that are kept, a function of the arguments alone.

    They are at most `MOST_WINDOWS` of at most `MOST_BYTES`, spread evenly over the table. Each
    domain and use has the same share, and what one does not need goes to the others: the few
    windows of the target domain stay.

    Args:
        table: The table of the windows.
        bytes_of_window: Bytes of the features of a window.
    """
    most = max(1, min(MOST_WINDOWS, MOST_BYTES // max(bytes_of_window, 1)))
    if len(table) <= most:
        return np.arange(len(table))
    keys = table["domain"].fillna("") + " " + table["use"]
    parts = sorted((np.flatnonzero(keys == key) for key in keys.unique()), key=len)
    kept: list[np.ndarray] = []
    for index, part in enumerate(parts):
        count = min(len(part), (most - sum(map(len, kept))) // (len(parts) - index))
        kept.append(part[np.linspace(0, len(part) - 1, count).round().astype(int)])
    return np.sort(np.concatenate(kept))
