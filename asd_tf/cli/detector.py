"""`asd-detector`: what is done with a detector after training; its commands and their flags."""

import math

from absl import flags

from asd_tf.cli import commands
from asd_tf.cli.detector_commands import card, drift, evaluate, info, sign, verify
from asd_tf.cli.evaluate import define_report_flags, define_truth_flags

DESCRIPTION = """
Shows, evaluates, checks and signs a detector, and says whether recordings still are as in training.
Given is its folder, or that of its run.

  asd-detector info DETECTOR
  asd-detector card DETECTOR --output=README.md
  asd-detector evaluate DETECTOR DATA --out=FOLDER
  asd-detector drift DETECTOR RECORDINGS
  asd-detector verify DETECTOR
  asd-detector sign DETECTOR --key=private.pem
  asd-detector verify DETECTOR --key=public.pem

`asd-detector COMMAND --help` says more.
"""

CARD = """
Writes a page in Markdown for those who get the detector: what it is, what it was calibrated with,
what its thresholds promise, and how it is used. It is printed, or written to the file --output,
which must lie outside of the folder of the detector.

  asd-detector card runs/wilkinghoff-quick-simulated-seed0 --output=README.md
"""

DRIFT = """
Says of each machine and section whether recent recordings still are like those of training: their
scores, the features of the networks, the levels of frequency bands, the sensor, and whether there
is a recording from which on they have changed. No labels are needed, and the recordings should be
of a machine that is taken for healthy. At least 10 recordings are compared.

  asd-detector drift DETECTOR /data/this_week/fan
  asd-detector drift DETECTOR recordings.csv --by=time --output=drift.json --fail_on_drift

They are taken in the order of time in which they are named (files of a folder by their names);
--by=COLUMN sorts by a column of the manifest, --by=modified by the time of the last change.

Exit status 0 if every file was read, drifted or not, else 1; 3 with --fail_on_drift if a machine
and section has drifted. docs/detectors.md says what is compared, and how often it errs.
"""

EVALUATE = """
Evaluates a detector on labeled data, without the run that made it: report, metrics, scores and
plots, as an evaluation of a run. Data are folders as for asd-train, or manifests; their test clips
are judged, and rows of a manifest without a split are test clips. Clips without a label, and of
machines that the detector does not know, are counted.

  asd-detector evaluate DETECTOR /data/new --out=evaluation
  asd-detector evaluate DETECTOR labeled.csv --out=evaluation
  asd-detector evaluate DETECTOR /data/dcase2022 --ground_truth=evaluator.zip --out=evaluation
"""

INFO = """
Shows what a detector is: method, recipe, format, sample rate, frames, machines, thresholds and
signature.
The files are compared with their checksums; the networks are not loaded.

  asd-detector info runs/wilkinghoff-quick-simulated-seed0
"""

SIGN = """
Signs a detector: whoever has the key can check that it was made by you and is unchanged. A key of
ed25519 has a private part to sign and a public one to check; a secret file of 32 bytes or more
(HMAC-SHA256) does both. A signature that is there is replaced.

  openssl genpkey -algorithm ed25519 -out private.pem
  openssl pkey -in private.pem -pubout -out public.pem
  asd-detector sign DETECTOR --key=private.pem
"""

VERIFY = """
Checks a detector: every value and file against its checksum, the operations of its networks, its
backends; with --key, that it was signed with the key. Exit status 0 if it is whole, else 1.

  asd-detector verify DETECTOR --key=public.pem
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    commands.run(COMMANDS, DESCRIPTION, argv)


def _define_key(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "key", None, "File of the key: ed25519 in PEM, or a secret of 32 bytes.", flag_values=values
    )


def _define_output(values: flags.FlagValues) -> None:
    flags.DEFINE_string("output", None, "File to write, whole or not at all.", flag_values=values)


def _define_evaluate(values: flags.FlagValues) -> None:
    flags.DEFINE_string("out", None, "Folder to write the evaluation to.", flag_values=values)
    flags.DEFINE_string(
        "dataset",
        None,
        "Layout of the data: dcase2020 to dcase2026, folder or manifest; by default detected from "
        "the file names.",
        flag_values=values,
    )
    define_truth_flags(values)
    define_report_flags(values)


def _define_drift(values: flags.FlagValues) -> None:
    flags.DEFINE_string("machine", None, "The machine of all recordings.", flag_values=values)
    flags.DEFINE_string("section", None, "The section of all recordings.", flag_values=values)
    flags.DEFINE_string(
        "by",
        None,
        "Column of the manifest by which recordings are sorted, or modified: the time of the last "
        "change of the file.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "level",
        0.01,
        "Probability in each machine and section that recordings like those of training are called "
        "drifted.",
        lower_bound=0.0001,
        upper_bound=0.5,
        flag_values=values,
    )
    flags.register_validator(
        "level",
        lambda level: not math.isnan(level),  # which no bound refuses
        message="must be a number",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "fail_on_drift",
        False,
        "Exit with status 3 if a machine and section has drifted.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output", None, "File to write all numbers to, as JSON.", flag_values=values
    )


COMMANDS: dict[str, commands.Command] = {
    "card": (_define_output, card, CARD),
    "drift": (_define_drift, drift, DRIFT),
    "evaluate": (_define_evaluate, evaluate, EVALUATE),
    "info": (commands.no_flags, info, INFO),
    "sign": (_define_key, sign, SIGN),
    "verify": (_define_key, verify, VERIFY),
}
