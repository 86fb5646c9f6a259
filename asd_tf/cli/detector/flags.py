"""The flags of the commands of `asd-detector`."""

import math

from absl import flags

from asd_tf.cli.evaluate import define_report_flags, define_truth_flags


def define_key(values: flags.FlagValues) -> None:
    """Defines the flag of a key."""
    flags.DEFINE_string(
        "key", None, "File of the key: ed25519 in PEM, or a secret of 32 bytes.", flag_values=values
    )


def define_output(values: flags.FlagValues) -> None:
    """Defines the file to write."""
    flags.DEFINE_string("output", None, "File to write, whole or not at all.", flag_values=values)


def define_evaluate(values: flags.FlagValues) -> None:
    """Defines the flags of `evaluate`."""
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


def define_drift(values: flags.FlagValues) -> None:
    """Defines the flags of `drift`."""
    _define_group(values)
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


def define_threshold(values: flags.FlagValues) -> None:
    """Defines the flags of `threshold`."""
    flags.DEFINE_float(
        "false_alarms",
        None,
        "Share of unseen normal recordings that may raise an alarm, 1e-6 to 0.99.",
        flag_values=values,
    )
    flags.DEFINE_bool("reset", False, "Take the share of the training.", flag_values=values)
    define_version(values)


def define_add(values: flags.FlagValues) -> None:
    """Defines the flags of `add`."""
    _define_group(values)
    flags.DEFINE_enum(
        "domain", None, ["source", "target"], "The domain of all recordings.", flag_values=values
    )
    define_version(values)


def define_remove(values: flags.FlagValues) -> None:
    """Defines the flags of `remove`."""
    flags.DEFINE_string(
        "clips",
        None,
        "What leaves: an audio file or a folder, a table with the column clip_id, or a pattern of "
        "names.",
        flag_values=values,
    )
    flags.DEFINE_string("machine", None, "Only recordings of this machine.", flag_values=values)
    flags.DEFINE_string(
        "section",
        None,
        "Only recordings of this section; without --clips, the section that leaves.",
        flag_values=values,
    )
    define_version(values)


def define_version(values: flags.FlagValues) -> None:
    """Defines the folder of a new version."""
    flags.DEFINE_string(
        "output",
        None,
        "Folder of the new version; by default NAME.v2 beside the detector, or the next free "
        "number.",
        flag_values=values,
    )


def _define_group(values: flags.FlagValues) -> None:
    flags.DEFINE_string("machine", None, "The machine of all recordings.", flag_values=values)
    flags.DEFINE_string("section", None, "The section of all recordings.", flag_values=values)
