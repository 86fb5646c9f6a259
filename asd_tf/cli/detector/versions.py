"""The commands of `asd-detector` that write a new version, beyond the checks of their flags."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from asd_tf.cli import app
from asd_tf.cli.detector.reading import folder_of
from asd_tf.errors import UsageError, printable

if TYPE_CHECKING:
    from asd_tf.detector import Detector
    from asd_tf.service.versions.change import Change


def threshold(values: flags.FlagValues, positional: list[str]) -> None:
    """Writes a version with other thresholds."""
    folder = folder_of(positional)
    if values.reset == (values.false_alarms is not None):
        raise UsageError("say which thresholds: --false_alarms=SHARE, or --reset")
    from asd_tf.detector import Detector
    from asd_tf.service.versions.threshold import trained_false_alarms, write_with_false_alarms

    detector = Detector.load(folder)
    share = trained_false_alarms(detector) if values.reset else values.false_alarms
    _write(detector, values.output, lambda target: write_with_false_alarms(detector, share, target))


def add(values: flags.FlagValues, positional: list[str]) -> None:
    """Writes a version that more normal recordings have joined."""
    if len(positional) < 2:
        raise UsageError("name a detector, and files, folders or manifests of normal recordings")
    folder = folder_of(positional[:1])
    from asd_tf.detector import Detector
    from asd_tf.service.versions.normal import added

    detector = Detector.load(folder)
    given = {name: values[name].value for name in ("machine", "section", "domain")}
    _change(
        detector,
        values.output,
        lambda: added(detector, positional[1:], **given),
    )


def remove(values: flags.FlagValues, positional: list[str]) -> None:
    """Writes a version without some normal recordings, or without a section."""
    folder = folder_of(positional)
    from asd_tf.detector import Detector
    from asd_tf.service.versions.normal import removed

    detector = Detector.load(folder)
    given = {name: values[name].value for name in ("clips", "machine", "section")}
    _change(detector, values.output, lambda: removed(detector, **given))


def feedback(values: flags.FlagValues, positional: list[str]) -> None:
    """Writes a version from alarms that people have judged."""
    if len(positional) != 2:
        raise UsageError("name a detector, and the table of judged alarms")
    folder = folder_of(positional[:1])
    from asd_tf.detector import Detector
    from asd_tf.service.versions.feedback import judged

    detector = Detector.load(folder)
    _change(detector, values.output, lambda: judged(detector, positional[1]))


def _change(detector: "Detector", output: str | None, find: "Callable[[], Change]") -> None:
    """Finds what changes, and writes the version."""
    from asd_tf.service.versions.write import write_version

    _write(detector, output, lambda target: write_version(detector, find(), target))


def _write(detector: "Detector", output: str | None, write: Callable[[Path], None]) -> None:
    """Writes a version to its folder, and prints what it is."""
    from asd_tf.detector import Detector
    from asd_tf.service.versions.change import history_lines
    from asd_tf.service.versions.confirmed import ranking_line, ranking_of
    from asd_tf.service.versions.folders import new_version

    with new_version(detector.folder, output) as target:
        write(target)
        version = Detector.load(target)
    app.echo(f"{target}: written; {detector.folder} is as it was")
    app.echo(printable(history_lines(version.manifest["history"])[-1]))
    for (machine, section), new in version.thresholds.items():
        old = detector.thresholds.get((machine, section))
        values = [of if of is None else of.value for of in (old, new)]
        before, now = ("none" if value is None else f"{value:.6g}" for value in values)
        app.echo(
            f"threshold {printable(f'{machine} {section}')}: {before} before, {now} now "
            f"({100 * new.false_alarms:g} % of false alarms, {new.n} normal scores)"
        )
    line = ranking_line(ranking_of(detector, version), ranking_of(version, version))
    if line is not None:
        app.echo(line)
    if (detector.folder / "signature.json").exists():
        app.echo(f"{target}: is not signed, since a signature is not carried over")
