"""What `asd-score` says of all rows: which failed and why, and how files were converted."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tqdm

from asd_tf.errors import printable

if TYPE_CHECKING:
    from asd_tf.detector import Detector
    from asd_tf.service.bulk import Batch


class Summary:
    """Counts while rows come; nothing of it grows with their number.

    Args:
        detector: The detector.
        columns: The columns of the rows.

    Attributes:
        is_anomalous: Whether a row was anomalous.
        has_failed: Whether a recording could not be scored.
    """

    def __init__(self, detector: "Detector", columns: Iterable[str]):
        self._detector, self._columns = detector, list(columns)
        self._unknown: set[tuple[Any, Any]] = set()
        self._undecided: set[tuple[str, str]] = set()
        self._read: Counter[tuple[int, int, bool]] = Counter()
        self._unused = detector.recordings.unused()
        self.is_anomalous = self.has_failed = False

    def add(self, batch: "Batch") -> None:
        """Counts a batch, and says why recordings of it could not be read."""
        from asd_tf.data.decoding.inspection import inspect_clips, ways_of_reading

        scored: set[str] = set()
        bad: dict[str, None] = {}
        for values in batch.rows:
            row = dict(zip(self._columns, values, strict=True))
            if row["status"] == "ok":
                scored.add(row["path"])
                if row["threshold"] is None:
                    self._undecided.add((row["machine"], row["section"]))
            elif row["status"] == "bad_file":
                bad[row["path"]] = None
            elif row["status"] == "unknown_group":
                self._unknown.add((row["machine"], row["section"]))
        self._explain_bad(batch, bad)
        self.has_failed |= bool(bad or self._unknown)
        recordings = batch.recordings
        self._read += ways_of_reading(recordings[recordings["recording_id"].isin(scored)])
        if self._unused is not None:
            self._unused.add(inspect_clips(recordings))

    def add_alarms(self, rows: Iterable[Sequence[Any]]) -> None:
        """Counts rows whose decisions are final."""
        decision = self._columns.index("decision")
        self.is_anomalous |= any(row[decision] == 1 for row in rows)

    def explain_undecided(self) -> None:
        """Says which machines and sections were scored but have no threshold, and why."""
        from asd_tf.scoring.thresholds import unsupported_line

        found = {group: self._detector.thresholds[group] for group in sorted(self._undecided)}
        if line := unsupported_line(found):
            print(line, file=sys.stderr)
        elif found:
            machine, section = next(iter(found))
            print(
                f"{machine}, section {section}: no threshold for recordings of several windows, "
                "as so few false alarms cannot be simulated; allow more",
                file=sys.stderr,
            )

    def print(self) -> None:
        """Says what came of all rows."""
        from asd_tf.data.decoding.inspection import conversion_lines

        if self._unused is not None:
            self._detector.recordings.log_unused(self._unused)
        for line in self._unknown_lines():
            print(line, file=sys.stderr)
        # The parts of a fused detector may have different sample rates.
        rate = self._detector.manifest.get("sample_rate", 16000)
        is_apart = self._detector.channels is not None
        for line in conversion_lines(self._read, rate, "as the detector was trained", is_apart):
            print(line, file=sys.stderr)

    def _explain_bad(self, batch: "Batch", names: Mapping[str, None]) -> None:
        for name in names:
            recording = batch.recordings[batch.recordings["recording_id"] == name].iloc[0]
            line = printable(f"{name}: {self._detector.recordings.reason_for(recording)}")
            tqdm.tqdm.write(line, file=sys.stderr)

    def _unknown_lines(self) -> Iterable[str]:
        """Names the machines and sections that the detector does not know, and those it does."""
        groups = sorted(self._detector.thresholds)
        known = ", ".join(f"{machine} {section}" for machine, section in groups)
        for machine, section in sorted(self._unknown, key=str):
            yield (
                f"not known: machine '{machine}', section '{section}'; the detector knows {known} "
                "(set --machine and --section)"
            )
