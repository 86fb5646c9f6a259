"""`asd-data`: downloads, checks, lists and simulates data; its commands and their flags."""

import dataclasses

from absl import flags

from asd_tf.cli import commands
from asd_tf.cli.data_commands import check, download, list_editions, simulate
from asd_tf.data.clips import SUBSETS
from asd_tf.data.simulation.families import DEFAULT_FAMILY, FAMILIES

DESCRIPTION = """
Downloads, checks, lists and simulates data sets.

  asd-data list
  asd-data download dcase2022 --output_dir=data/dcase2022
  asd-data check data/dcase2022
  asd-data simulate --output_dir=data/simulated

`asd-data COMMAND --help` shows the flags of a command.
"""

LISTING = """
Lists the editions of DCASE Task 2: their machines, Zenodo records and official evaluators.

  asd-data list
"""

DOWNLOADING = """
Downloads an edition of DCASE Task 2 from Zenodo, and its evaluation labels from the official
evaluator. The same command continues a download that was interrupted.

  asd-data download dcase2022 --output_dir=data/dcase2022
  asd-data download dcase2023 --output_dir=data/dcase2023 --subset=dev --machines=fan,valve
"""

CHECKING = """
Counts the clips of a data folder, compares them with the official counts of its edition, and
decodes every file. The exit status is 1 if clips are missing or cannot be read.

  asd-data check data/dcase2022
  asd-data check data/dcase2023 --subset=dev --machines=fan,valve
"""

SIMULATING = """
Simulates machines, in the layout of DCASE 2022. The family `simple` is small and easy; `plant` is
as hard as recordings of DCASE.

  asd-data simulate --output_dir=data/simulated
  asd-data simulate --family=plant --output_dir=data/plant
  asd-data simulate --family=plant --machines=fan,pump --sessions=4 --output_dir=data/sessions
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    commands.run(COMMANDS, DESCRIPTION, argv)


def _define_selection(values: flags.FlagValues) -> None:
    flags.DEFINE_enum(
        "subset",
        "all",
        ["all", *SUBSETS],
        "Development set (dev), or additional training and evaluation set (eval).",
        flag_values=values,
    )
    flags.DEFINE_list("machines", [], "Only these machines, such as fan,valve.", flag_values=values)


def _define_download(values: flags.FlagValues) -> None:
    from asd_tf.data.fetching.download import GITHUB, ZENODO

    _define_output(
        values, "Folder of the data; archives that were unpacked into it are not downloaded again."
    )
    _define_selection(values)
    for name, default, description in (
        ("server", ZENODO, "Zenodo, or a mirror with the same paths."),
        ("github", GITHUB, "GitHub, for the evaluators, or a mirror with the same paths."),
    ):
        flags.DEFINE_string(name, default, description, flag_values=values)
    flags.DEFINE_float(
        "timeout",
        60.0,
        "Seconds without data after which the connection is opened again.",
        lower_bound=0.1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "attempts",
        5,
        "Attempts in a row without progress, before giving up.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "keep_archives", False, "Keep the archives after unpacking them.", flag_values=values
    )


def _define_check(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "dataset",
        None,
        "Layout of the data; by default detected from the file names.",
        flag_values=values,
    )
    _define_selection(values)


def _define_simulate(values: flags.FlagValues) -> None:
    """Defines the flags of the simulation from the options of all families."""
    _define_output(values, "Folder to write to.")
    summaries = "; ".join(f"{name}: {family.summary}" for name, family in FAMILIES.items())
    flags.DEFINE_enum(
        "family", DEFAULT_FAMILY, list(FAMILIES), f"Family of machines. {summaries}.",
        flag_values=values,
    )  # fmt: skip
    define = {int: flags.DEFINE_integer, float: flags.DEFINE_float, tuple: flags.DEFINE_list}
    options: dict[str, dict[str, dataclasses.Field]] = {}
    for name, family in FAMILIES.items():
        for field in dataclasses.fields(family.options):
            options.setdefault(field.name, {})[name] = field
    for name, fields in options.items():
        kind = type(next(iter(fields.values())).default)
        define[kind](name, None, _description(fields), flag_values=values)


def _description(fields: dict[str, dataclasses.Field]) -> str:
    """Returns what an option is, with its default; by family where families differ in it."""
    texts = {}
    for family, field in fields.items():
        is_list = isinstance(field.default, tuple)
        default = "all" if is_list else field.default
        texts[family] = f"{field.metadata['help']} Default: {default}."
    if len(set(texts.values())) == 1 and len(texts) == len(FAMILIES):
        return next(iter(texts.values()))
    return " ".join(f"{family}: {text}" for family, text in texts.items())


def _define_output(values: flags.FlagValues, description: str) -> None:
    flags.DEFINE_string("output_dir", None, description, flag_values=values)


COMMANDS = {
    "list": (commands.no_flags, list_editions, LISTING),
    "download": (_define_download, download, DOWNLOADING),
    "check": (_define_check, check, CHECKING),
    "simulate": (_define_simulate, simulate, SIMULATING),
}
