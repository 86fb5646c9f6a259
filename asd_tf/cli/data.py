"""`asd-data`: fetches, checks, lists and makes data."""

import contextlib
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

from absl import flags

from asd_tf.cli import app
from asd_tf.config import check_choice
from asd_tf.data.editions import EDITIONS, SUBSETS, find_edition
from asd_tf.data.simulated import SimulationOptions
from asd_tf.errors import UsageError

DESCRIPTION = """
Fetches, checks, lists and makes data sets.

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
Fetches an edition of DCASE Task 2 from Zenodo, and its evaluation labels from the official
evaluator. Started again, it goes on where it stopped.

  asd-data download dcase2022 --output_dir=data/dcase2022
  asd-data download dcase2023 --output_dir=data/dcase2023 --subset=dev --machines=fan,valve
"""

CHECKING = """
Counts the clips of a data folder, names what is missing against the official counts of its edition,
and decodes every file. Exit status 1 if something is missing or cannot be read.

  asd-data check data/dcase2022
  asd-data check data/dcase2023 --subset=dev --machines=fan,valve
"""

SIMULATING = """
Makes simulated machines, in the layout of DCASE 2022.

  asd-data simulate --output_dir=data/simulated
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    argv = list(sys.argv if argv is None else argv)
    names = [argument for argument in argv[1:] if argument in COMMANDS]
    if not names:
        asks_help = {"-h", "--help"} & set(argv)
        define_flags = _define_no_flags if asks_help else _define_all_flags
        app.run(_no_command, define_flags, DESCRIPTION, argv)
    define_flags, run, description = COMMANDS[names[0]]
    argv.remove(names[0])
    app.run(run, define_flags, description, argv)


def _no_command(values: flags.FlagValues, positional: list[str]) -> None:
    if not positional:
        raise UsageError(f"name what to do: {', '.join(COMMANDS)}")
    check_choice("command", positional[0], COMMANDS)


def _define_all_flags(values: flags.FlagValues) -> None:
    """Defines what any command knows, so that an unknown command is what a message is about."""
    for define_flags, _, _ in COMMANDS.values():
        of_command = flags.FlagValues()
        define_flags(of_command)
        for name in set(of_command) - set(values):
            values[name] = of_command[name]


def _define_no_flags(values: flags.FlagValues) -> None:
    pass


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
    from asd_tf.data.download import GITHUB, ZENODO

    _define_output(values, "Folder of the data; what is there already is not fetched again.")
    _define_selection(values)
    for name, default, description in (
        ("server", ZENODO, "Zenodo, or a mirror with the same addresses."),
        ("github", GITHUB, "Where the evaluators are, or a mirror with the same addresses."),
    ):
        flags.DEFINE_string(name, default, description, flag_values=values)
    flags.DEFINE_float(
        "timeout",
        60.0,
        "Seconds of silence after which a connection is tried anew.",
        lower_bound=0.1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "attempts",
        5,
        "Attempts in a row that bring nothing new, before giving up.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "keep_archives", False, "Keep the zips when they are unpacked.", flag_values=values
    )


def _define_check(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "dataset",
        None,
        "Layout of the data; by default told by its file names.",
        flag_values=values,
    )
    _define_selection(values)


def _define_simulate(values: flags.FlagValues) -> None:
    """Defines the flags of the simulation from its options."""
    _define_output(values, "Folder to make.")
    define = {int: flags.DEFINE_integer, float: flags.DEFINE_float, tuple: flags.DEFINE_list}
    for field in dataclasses.fields(SimulationOptions):
        kind = type(field.default)
        define[kind](
            field.name,
            list(field.default) if kind is tuple else field.default,
            field.metadata["help"],
            flag_values=values,
        )


def _define_output(values: flags.FlagValues, description: str) -> None:
    flags.DEFINE_string("output_dir", None, description, flag_values=values)


def list_editions(values: flags.FlagValues, positional: list[str]) -> None:
    """Prints what is known of each edition."""
    from asd_tf.cli.messages import say

    app.no_arguments(positional)
    for edition in EDITIONS.values():
        say(edition.name)
        for subset in SUBSETS:
            machines = edition.machines[subset]
            sections = sum(len(names) for names in machines.values())
            records = ", ".join(f"zenodo.org/records/{n}" for n in edition.records[subset])
            say(f"  {subset:<5}{len(machines)} machines, {sections} sections: {' '.join(machines)}")
            say(f"       {records}")
        say(f"  evaluation labels: {edition.label_source}")
    say("sizes are told by `asd-data download` before it begins")


def download(values: flags.FlagValues, positional: list[str]) -> None:
    """Fetches an edition."""
    if len(positional) != 1:
        raise UsageError(f"name one edition: {', '.join(EDITIONS)}")
    edition = find_edition(positional[0])
    if values.output_dir is None:
        raise UsageError(f"--output_dir is missing: name a folder, such as data/{edition.name}")
    for name in ("server", "github"):
        if not values[name].value.startswith(("https://", "http://")):
            raise UsageError(f"--{name}={values[name].value}: must begin with https:// or http://")

    from asd_tf.cli.messages import say
    from asd_tf.data.download import Downloader
    from asd_tf.data.transfer import Patience

    folder = Path(values.output_dir)
    with contextlib.ExitStack() as stack:
        downloader = Downloader(
            edition,
            folder,
            server=values.server.rstrip("/"),
            github=values.github.rstrip("/"),
            patience=Patience(values.timeout, values.attempts),
            keep_archives=values.keep_archives,
            say=say,
            progress=_byte_bars(stack),
        )
        downloader.run(_subsets(values), values.machines)
    say(f"{folder}: check it with: asd-data check {folder}")


def _byte_bars(stack: contextlib.ExitStack) -> Callable[[str, int, int], None]:
    """Returns what shows a bar for each file, one after the other."""
    import tqdm

    bars = {}

    def progress(name: str, position: int, size: int) -> None:
        if name not in bars:
            bars[name] = stack.enter_context(
                tqdm.tqdm(desc=name, total=size, unit="B", unit_scale=True, initial=position)
            )
        # A server that cannot continue sends a file from its beginning, and the bar goes back.
        bars[name].update(position - bars[name].n)
        if position == size:
            bars[name].close()

    return progress


def check(values: flags.FlagValues, positional: list[str]) -> int:
    """Checks a data folder; returns the exit status."""
    if len(positional) != 1:
        raise UsageError("name one data folder")

    import tqdm

    from asd_tf.cli.messages import say
    from asd_tf.data.checkup import check_data

    with tqdm.tqdm(desc="check", unit="clip") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = check_data(
            positional[0], values.dataset, _subsets(values), values.machines, progress
        )
    say(f"{positional[0]}: layout {found.dataset}")
    say(found.counts.to_string(index=False) if len(found.counts) else "no such clips are there")
    for title, rows in (("missing", found.missing), ("more than official", found.surplus)):
        _list_rows(say, title, [_compared(row) for row in rows.itertuples(index=False)])
    _list_rows(
        say,
        "cannot be read",
        [f"{row.clip_id}: {row.reason}" for row in found.bad.itertuples(index=False)],
    )
    if found.is_complete:
        say(f"{len(found.counts)} sections: nothing is missing, every file can be read")
    return 0 if found.is_complete else 1


def _compared(row) -> str:
    section = row.section if isinstance(row.section, str) else "all sections"
    kind = row.kind.replace("_", " ")
    return f"{row.subset} {row.machine} {section}: {row.clips} of {row.official} {kind} clips"


def _list_rows(say: Callable[[str], None], title: str, rows: list[str]) -> None:
    if rows:
        say(f"\n{title}: {len(rows)}")
        for row in rows:
            say(f"  {row}")


def simulate(values: flags.FlagValues, positional: list[str]) -> None:
    """Makes simulated machines."""
    from asd_tf.cli.messages import say, simulate_with_progress

    app.no_arguments(positional)
    if values.output_dir is None:
        raise UsageError("--output_dir is missing: name the folder to make")
    options = {
        field.name: type(field.default)(values[field.name].value)
        for field in dataclasses.fields(SimulationOptions)
    }
    folder = simulate_with_progress(Path(values.output_dir), SimulationOptions(**options), say)
    say(f"{folder}: train on it with: asd-train --method=wilkinghoff --data_dir={folder}")


def _subsets(values: flags.FlagValues) -> tuple[str, ...]:
    return SUBSETS if values.subset == "all" else (values.subset,)


COMMANDS = {
    "list": (_define_no_flags, list_editions, LISTING),
    "download": (_define_download, download, DOWNLOADING),
    "check": (_define_check, check, CHECKING),
    "simulate": (_define_simulate, simulate, SIMULATING),
}
