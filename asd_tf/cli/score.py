"""`asd-score`: scores recordings with a saved detector, as CSV, JSON lines or Parquet."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tqdm
from absl import flags

from asd_tf.cli import app
from asd_tf.cli.alarm_flags import check_alarm_flags, define_alarm_flags, with_asked_level
from asd_tf.cli.score_summary import Summary
from asd_tf.cli.tables import FORMATS, format_of, table_writer
from asd_tf.errors import InputError, UsageError

DESCRIPTION = """
Scores recordings and decides which are anomalous: a row per recording on the standard output.

  asd-score runs/wilkinghoff-quick-simulated-seed0/detector clip.wav /data/fan/test
  asd-score DETECTOR monday.flac --per=both --output=monday.jsonl
  find /data -newer stamp -name '*.wav' | asd-score DETECTOR - --fail_on_anomaly
  asd-score DETECTOR clips.csv --output=scores.csv

The machine is the folder above train/ or test/, the section is read from the file name; --machine
and --section override them. --require_signature refuses a detector that was not signed with a key,
see asd-detector. Files are resampled if necessary; of several channels, the one that the
detector was trained on is used. After --channel=each all are scored apart: --per=window has the
channel of each row, and the row of a recording has the one that raised its score most.

A recording that is longer than what the detector takes at once is scored in windows, see
docs/recordings.md; a detector of an edition of DCASE scores the first. A .csv file is a manifest as
for asd-train, of which every row is scored.

The column p_value is the estimated share of unseen normal clips that score at least as high; the
decision is 1 where it is at most the share of false alarms that the detector was trained for.
--false_alarms=0.01 asks for another one, --false_alarms_per_day=1 for a number a day, and --fdr=0.1
for a share of false ones among the alarms of all rows of the call. See docs/evaluation.md.

With --output, finished results are kept beside the file. After an interruption the same command
continues, and ends with the same file.

The column sensor is ok, or says what is wrong with the microphone, such as clipped or gain: then
the decision is the word sensor, and neither 0 nor 1. A machine that is off has the status off.

Exit status 0 if every file was read, else 1; 3 with --fail_on_anomaly if one is anomalous.
"""

COLUMNS = {
    "path": str, "machine": str, "section": str, "start_s": float, "end_s": float, "channel": int,
    "score": float, "p_value": float, "threshold": float, "decision": int, "status": str,
    "sensor": str, "per": str,
}  # fmt: skip
ANOMALOUS = 3


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("machine", None, "The machine of all clips.", flag_values=values)
    flags.DEFINE_string(
        "section",
        None,
        "The section of all clips; `any` uses the one whose threshold the score exceeds least.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "require_signature",
        None,
        "File of the key that must have signed the detector: refuse it otherwise.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "per",
        "recording",
        ["recording", "window", "both"],
        "A row per recording, per window (with start_s, end_s and channel), or both, told apart by "
        "`per`.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "format",
        None,
        FORMATS,
        "Format; by default that of --output, else csv.",
        flag_values=values,
    )
    define_alarm_flags(values)
    flags.DEFINE_string("output", None, "File to write, whole or not at all.", flag_values=values)
    flags.DEFINE_bool(
        "fail_on_anomaly",
        False,
        "Exit with status 3 if a recording is anomalous, even if others could not be scored.",
        flag_values=values,
    )


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    app.run(score, define_flags, DESCRIPTION, argv)


def score(values: flags.FlagValues, positional: list[str]) -> int:
    """Scores as the flags say; returns the exit status."""
    if len(positional) < 2:
        raise UsageError("name a detector and at least one file or folder; see --help")
    folder, *paths = positional
    check_alarm_flags(values)
    kind = format_of(values.format, values.output)
    if values.output and Path(values.output).exists() and not Path(values.output).is_file():
        raise UsageError(f"--output={values.output}: is a folder or a device, and no file")

    from asd_tf.data.layouts.inputs import Inputs
    from asd_tf.detector import Detector
    from asd_tf.service.bulk import BulkScoring

    detector = with_asked_level(Detector.load(folder, values.require_signature), values)
    paths = _with_listed(paths)
    inputs, columns = Inputs(paths, detector.channel), _columns(values.per, detector.channels)
    scoring = {"machine": values.machine, "section": values.section, "per": values.per}
    bulk, summary = BulkScoring(detector, inputs, columns, **scoring), Summary(detector, columns)
    target = _Target(columns, kind, values.output)
    if values.output is None and values.fdr is None:
        with target.writer() as write, _bar(len(inputs)) as progress:
            for batch in bulk.batches(progress=progress):
                write(batch.rows)
                summary.add(batch)
                summary.add_alarms(batch.rows)
            summary.explain_undecided()
    else:
        _write_at_the_end(target, bulk, paths, summary, len(inputs), values.fdr)
    bulk.tally.log()
    summary.print()
    if values.fail_on_anomaly and summary.is_anomalous:
        return ANOMALOUS
    return 1 if summary.has_failed else 0


class _Target(NamedTuple):
    """Where rows are written, and how; no output is the standard output."""

    columns: Mapping[str, type]
    kind: str
    output: str | None

    @contextlib.contextmanager
    def writer(self) -> Iterator[Callable[[Iterable[Sequence[Any]]], None]]:
        with table_writer(self.columns, self.kind, self.output) as write:
            yield lambda rows: write(_with_words(rows, self.columns, self.kind))


def _write_at_the_end(
    target: _Target, bulk, paths: list[str], summary: Summary, count: int, fdr: float | None
) -> None:
    """Writes all rows when all is scored; what is finished is kept beside the file until then."""
    from asd_tf.service.discoveries import Discoveries
    from asd_tf.service.work_file import WorkFile

    discoveries = None if fdr is None else Discoveries(target.columns, fdr)
    with (
        _place_of_work(target.output) as place,
        WorkFile.opened(place, bulk.command(paths)) as work,
    ):
        _tell_what_was_found(work, bulk, place, count)
        keys = []
        with _bar(count) as progress:
            for batch in bulk.batches(work, progress):
                keys.append(batch.key)
                summary.add(batch)
                if discoveries is not None:
                    discoveries.add(batch.rows)
        with target.writer() as write:
            for key in keys:
                rows = work.rows(key)
                rows = rows if discoveries is None else list(discoveries.decided(rows))
                write(rows)
                summary.add_alarms(rows)
        work.remove()
    if discoveries is None:
        summary.explain_undecided()
    else:
        for line in discoveries.lines():
            print(line, file=sys.stderr)


@contextlib.contextmanager
def _place_of_work(output: str | None) -> Iterator[str]:
    """Yields the file beside which finished rows are kept; in a temporary folder without one."""
    if output is not None:
        yield output
        return
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder, "rows"))


def _tell_what_was_found(work, bulk, output: str, count: int) -> None:
    """Says what an earlier command has left beside a file, and whether it is of use."""
    if work.is_foreign:
        print(f"{output}: results of another command, unfinished, are discarded", file=sys.stderr)
    if len(work):
        recordings, batches = bulk.found_in(work)
        changed = len(work) - batches
        again = f"; finished batches that are not, as files have changed: {changed}"
        print(
            f"{output}: {recordings:,} of {count:,} recordings were scored before and are "
            f"taken over{again if changed else ''}",
            file=sys.stderr,
        )


@contextlib.contextmanager
def _bar(recordings: int) -> Iterator[Callable[[float], None]]:
    """Shows a bar; yields a function that is called with the recordings that are newly done."""
    # A part of a long recording is a fraction, which no one wants to read.
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm.tqdm(total=recordings, desc=f"{recordings:,} recordings", bar_format=form) as bar:

        def progress(done: float) -> None:
            bar.update(min(done, recordings - bar.n))

        yield progress


def _columns(per: str, channels: int | None) -> dict[str, type]:
    """Returns the columns of the rows; `channels` are those that are windows of their own."""
    of_windows = {"start_s", "end_s", "channel", "per"}
    left_out = {"recording": of_windows, "window": {"per"}, "both": set()}[per]
    columns = {name: kind for name, kind in COLUMNS.items() if name not in left_out}
    return columns if channels is None else columns | {"channel": int}


def _with_words(
    rows: Iterable[Sequence[Any]], columns: Iterable[str], kind: str
) -> Iterator[Sequence[Any]]:
    """Yields rows whose decision is the word `sensor` where the sensor is faulty.

    A column of Parquet has one type: there the decision is missing.
    """
    names = list(columns)
    decision, sensor = names.index("decision"), names.index("sensor")
    for row in rows:
        if kind != "parquet" and row[sensor] not in (None, "ok"):
            row = (*row[:decision], "sensor", *row[decision + 1 :])
        yield row


def _with_listed(paths: list[str]) -> list[str]:
    """Replaces `-` by the paths of the standard input, one a line, in any encoding.

    Raises:
        InputError: If there is none.
    """
    if "-" not in paths:
        return paths
    lines = [os.fsdecode(line) for line in sys.stdin.buffer.read().splitlines() if line.strip()]
    if not lines:
        raise InputError("-: there is no path on the standard input")
    index = paths.index("-")
    return [*paths[:index], *lines, *(path for path in paths[index:] if path != "-")]
