"""`asd-score`: scores recordings with a saved detector, as CSV."""

import csv
import sys

import pandas as pd
import tqdm
from absl import flags

from asd_tf.cli import app
from asd_tf.errors import UsageError

DESCRIPTION = """
Scores recordings and decides which are anomalous: a line of CSV per clip on the standard output.

  asd-score runs/wilkinghoff-quick-simulated-seed0/detector clip.wav /data/fan/test

The machine is the folder above train/ or test/, the section comes from the name; --machine and
--section say otherwise. Files of any sample rate are resampled; of several channels that is heard
on which the detector was trained. Exit status 0 if every file was scored, else 1.
"""

COLUMNS = ("path", "machine", "section", "score", "threshold", "decision", "status")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("machine", None, "The machine of all clips.", flag_values=values)
    flags.DEFINE_string(
        "section",
        None,
        "The section of all clips; `any` takes the one that fits best.",
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

    from asd_tf.data.inspection import conversions, reason_for
    from asd_tf.data.paths import clips_of_files
    from asd_tf.detector import Detector

    detector = Detector.load(folder)
    clips = clips_of_files(paths, detector.channel)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    # The parts of a fused detector may have several.
    sample_rate = detector.manifest.get("sample_rate", 16000)
    unknown, scored, all_scored = set(), set(), True
    with tqdm.tqdm(total=len(clips), desc="score", unit="clip") as bar:
        for table, _ in detector.score_in_chunks(
            clips, machine=values.machine, section=values.section, progress=bar.update, chunk=64
        ):
            for row in table.itertuples(index=False):
                writer.writerow(_cells(row))
                if row.status == "bad_file":
                    reason = reason_for(
                        clips[clips["clip_id"] == row.clip_id].iloc[0],
                        sample_rate,
                    )
                    tqdm.tqdm.write(f"{row.clip_id}: {reason}", file=sys.stderr)
                elif row.status == "unknown_group":
                    unknown.add((row.machine, row.section))
                else:
                    scored.add(row.clip_id)
                all_scored &= row.status == "ok"
            sys.stdout.flush()
    _explain_unknown(unknown, detector)
    heard = clips[clips["clip_id"].isin(scored)]
    for line in conversions(heard, sample_rate, "as the detector was trained"):
        print(line, file=sys.stderr)
    return 0 if all_scored else 1


def _cells(row) -> list[str]:
    """Returns the cells of a row of the scored table; the path as given, what is missing empty."""
    values = (row.clip_id, *(getattr(row, column) for column in COLUMNS[1:]))
    return ["" if pd.isna(value) else str(value) for value in values]


def _explain_unknown(unknown: set[tuple[str, str]], detector) -> None:
    """Names the machines and sections that the detector does not know, and those that it does."""
    if not unknown:
        return
    known = ", ".join(f"{machine} {section}" for machine, section in sorted(detector.thresholds))
    for machine, section in sorted(unknown, key=str):
        print(
            f"not known: machine '{machine}', section '{section}'; the detector knows {known} "
            "(--machine and --section say which it is)",
            file=sys.stderr,
        )
