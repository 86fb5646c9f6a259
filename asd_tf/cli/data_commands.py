"""The commands of `asd-data`, called with parsed flags."""

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

from absl import flags

from asd_tf.cli import app
from asd_tf.data.clips import SUBSETS
from asd_tf.data.layouts.editions import EDITIONS, find_edition
from asd_tf.data.simulation.families import FAMILIES
from asd_tf.data.simulation.options import FamilyOptions
from asd_tf.errors import UsageError


def list_editions(values: flags.FlagValues, positional: list[str]) -> None:
    """Prints what is known of each edition."""
    app.no_arguments(positional)
    for edition in EDITIONS.values():
        app.echo(edition.name)
        for subset in SUBSETS:
            machines = edition.machines[subset]
            sections = sum(len(names) for names in machines.values())
            records = ", ".join(f"zenodo.org/records/{n}" for n in edition.records[subset])
            app.echo(
                f"  {subset:<5}{len(machines)} machines, {sections} sections: {' '.join(machines)}"
            )
            app.echo(f"       {records}")
        app.echo(f"  evaluation labels: {edition.label_source}")
    app.echo("`asd-data download` prints the size before it starts")


def download(values: flags.FlagValues, positional: list[str]) -> None:
    """Downloads an edition."""
    if len(positional) != 1:
        raise UsageError(f"name one edition: {', '.join(EDITIONS)}")
    edition = find_edition(positional[0])
    if values.output_dir is None:
        raise UsageError(f"--output_dir is missing: name a folder, such as data/{edition.name}")
    for name in ("server", "github"):
        if not values[name].value.startswith(("https://", "http://")):
            raise UsageError(f"--{name}={values[name].value}: must begin with https:// or http://")

    from asd_tf.data.fetching.download import Downloader
    from asd_tf.data.fetching.transfer import Patience

    folder = Path(values.output_dir)
    with contextlib.ExitStack() as stack:
        downloader = Downloader(
            edition,
            folder,
            server=values.server.rstrip("/"),
            github=values.github.rstrip("/"),
            patience=Patience(values.timeout, values.attempts),
            keep_archives=values.keep_archives,
            progress=_byte_bars(stack),
        )
        downloader.run(_subsets(values), values.machines)
    app.echo(f"{folder}: check it with: asd-data check {folder}")


def _byte_bars(stack: contextlib.ExitStack) -> Callable[[str, int, int], None]:
    """Returns a callback that shows a progress bar for each file, one after the other."""
    import tqdm

    bars = {}

    def progress(name: str, position: int, size: int) -> None:
        if name not in bars:
            bars[name] = stack.enter_context(
                tqdm.tqdm(desc=name, total=size, unit="B", unit_scale=True, initial=position)
            )
        # A server without range requests sends the file from its beginning: the bar goes back.
        bars[name].update(position - bars[name].n)
        if position == size:
            bars[name].close()

    return progress


def check(values: flags.FlagValues, positional: list[str]) -> int:
    """Checks a data folder; returns the exit status."""
    if len(positional) != 1:
        raise UsageError("name one data folder")

    import tqdm

    from asd_tf.data.completeness import check_data

    with tqdm.tqdm(desc="check", unit="clip") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = check_data(
            positional[0], values.dataset, _subsets(values), values.machines, progress
        )
    app.echo(f"{positional[0]}: layout {report.dataset}")
    app.echo(
        report.counts.to_string(index=False) if len(report.counts) else "no such clips are there"
    )
    for title, rows in (("missing", report.missing), ("more than official", report.surplus)):
        _print_list(title, [_comparison(row) for row in rows.itertuples(index=False)])
    _print_list(
        "cannot be read",
        [f"{row.clip_id}: {row.reason}" for row in report.bad.itertuples(index=False)],
    )
    if report.is_complete:
        app.echo(f"{len(report.counts)} sections: nothing is missing, every file can be read")
    return 0 if report.is_complete else 1


def _comparison(row) -> str:
    section = row.section if isinstance(row.section, str) else "all sections"
    kind = row.kind.replace("_", " ")
    return f"{row.subset} {row.machine} {section}: {row.clips} of {row.official} {kind} clips"


def _print_list(title: str, lines: list[str]) -> None:
    if lines:
        app.echo(f"\n{title}: {len(lines)}")
        for line in lines:
            app.echo(f"  {line}")


def simulate(values: flags.FlagValues, positional: list[str]) -> None:
    """Simulates machines."""
    from asd_tf.api import make_simulated

    app.no_arguments(positional)
    if values.output_dir is None:
        raise UsageError("--output_dir is missing: name the folder to write to")
    folder = make_simulated(Path(values.output_dir), _simulation_options(values))
    app.echo(f"{folder}: train on it with: asd-train --method=wilkinghoff --data_dir={folder}")


def _simulation_options(values: flags.FlagValues) -> FamilyOptions:
    """Returns the options that flags set; the others have the defaults of the family."""
    known = {field.name: field for field in dataclasses.fields(FAMILIES[values.family].options)}
    every = {name for family in FAMILIES.values() for name in _names(family.options)}
    given = {name: values[name].value for name in every if values[name].value is not None}
    for name in sorted(given):
        if name not in known:
            raise UsageError(f"--{name}: machines of the family {values.family} do not have it")
    typed = {name: type(known[name].default)(value) for name, value in given.items()}
    return FAMILIES[values.family].options(**typed)


def _names(options: type[FamilyOptions]) -> set[str]:
    return {field.name for field in dataclasses.fields(options)}


def _subsets(values: flags.FlagValues) -> tuple[str, ...]:
    return SUBSETS if values.subset == "all" else (values.subset,)
