"""`asd-score`: scores recordings with a saved detector, as CSV, JSON lines or Parquet."""

import os
import sys

import pandas as pd
import tqdm
from absl import flags

from asd_tf.cli import app
from asd_tf.cli.tables import FORMATS, format_of, table_writer
from asd_tf.errors import InputError, UsageError

DESCRIPTION = """
Scores recordings and decides which are anomalous: a row per recording on the standard output.

  asd-score runs/wilkinghoff-quick-simulated-seed0/detector clip.wav /data/fan/test
  asd-score DETECTOR monday.flac --per=both --output=monday.jsonl
  find /data -newer stamp -name '*.wav' | asd-score DETECTOR - --fail_on_anomaly

The machine is the folder above train/ or test/, the section is read from the file name; --machine
and --section override them. --require_signature refuses a detector that was not signed with a key,
see asd-detector. Files are resampled if necessary; of several channels, the one that the
detector was trained on is used. After --channel=each all are scored apart: --per=window has the
channel of each row, and the row of a recording has the one that raised its score most.

A recording that is longer than what the detector takes at once is scored in windows, see
docs/recordings.md; a detector of an edition of DCASE scores the first.

The column sensor is ok, or says what is wrong with the microphone, such as clipped or gain: then
the decision is the word sensor, and neither 0 nor 1. A machine that is off has the status off.

Exit status 0 if every file was read, else 1; 3 with --fail_on_anomaly if one is anomalous.
"""

COLUMNS = (
    "path", "machine", "section", "score", "threshold", "decision", "status", "sensor",
)  # fmt: skip
COLUMNS_OF_WINDOWS = (
    "path", "machine", "section", "start_s", "end_s", "channel", "score", "threshold", "decision",
    "status", "sensor",
)  # fmt: skip
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
    kind = format_of(values.format, values.output)

    from asd_tf.data.decoding.inspection import conversions
    from asd_tf.data.layouts.files import clips_of_files
    from asd_tf.detector import Detector

    detector = Detector.load(folder, values.require_signature)
    clips = clips_of_files(_with_listed(paths), detector.channel)
    windows = detector.recordings.windows_of(clips)
    # The parts of a fused detector may have different sample rates.
    sample_rate = detector.manifest.get("sample_rate", 16000)
    unknown, scored, bad, is_anomalous = set(), set(), set(), False
    scoring = {"machine": values.machine, "section": values.section, "per": values.per}
    with (
        table_writer(_columns(values.per, detector.channels), kind, values.output) as write,
        tqdm.tqdm(total=len(windows), desc="score", unit="window") as bar,
    ):
        for table, _ in detector.score_in_chunks(windows, **scoring, progress=bar.update, chunk=64):
            names = table["clip_id" if values.per == "recording" else "recording_id"]
            write(_with_word(table.assign(path=names), kind))
            is_anomalous |= bool(table["decision"].eq(1).any())
            for row, name in zip(table.itertuples(index=False), names, strict=True):
                if row.status == "bad_file" and name not in bad:
                    bad.add(name)
                    reason = detector.recordings.reason_for(clips[clips["clip_id"] == name].iloc[0])
                    tqdm.tqdm.write(app.printable(f"{name}: {reason}"), file=sys.stderr)
                elif row.status == "unknown_group":
                    unknown.add((row.machine, row.section))
                elif row.status == "ok":
                    scored.add(name)
    _explain_unknown(unknown, detector)
    used = clips[clips["clip_id"].isin(scored)]
    is_apart = detector.channels is not None
    for line in conversions(used, sample_rate, "as the detector was trained", is_apart):
        print(line, file=sys.stderr)
    if values.fail_on_anomaly and is_anomalous:
        return ANOMALOUS
    return 1 if bad or unknown else 0


def _columns(per: str, channels: int | None) -> tuple[str, ...]:
    if per == "recording":
        return COLUMNS if channels is None else (*COLUMNS, "channel")
    return COLUMNS_OF_WINDOWS if per == "window" else (*COLUMNS_OF_WINDOWS, "per")


def _with_word(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Returns rows whose decision is the word `sensor` where the sensor is faulty.

    A column of Parquet has one type: there the decision is missing.
    """
    if kind == "parquet":
        return table
    is_faulty = table["sensor"].notna() & table["sensor"].ne("ok")
    return table.assign(decision=table["decision"].astype(object).mask(is_faulty, "sensor"))


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


def _explain_unknown(unknown: set[tuple[str, str]], detector) -> None:
    """Names the machines and sections that the detector does not know, and those that it does."""
    if not unknown:
        return
    known = ", ".join(f"{machine} {section}" for machine, section in sorted(detector.thresholds))
    for machine, section in sorted(unknown, key=str):
        print(
            f"not known: machine '{machine}', section '{section}'; the detector knows {known} "
            "(set --machine and --section)",
            file=sys.stderr,
        )
