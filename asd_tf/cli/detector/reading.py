"""What the commands of `asd-detector` do, beyond the checks of their flags."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from asd_tf.cli import app
from asd_tf.errors import UsageError, printable

if TYPE_CHECKING:
    from asd_tf.data.groups import Group
    from asd_tf.service.drift.observed import Listener
    from asd_tf.service.drift.verdict import Drift

DRIFTED = 3


def info(values: flags.FlagValues, positional: list[str]) -> None:
    """Shows what a detector is."""
    folder = folder_of(positional)
    from asd_tf.detector import Detector
    from asd_tf.detector.description import facts_of
    from asd_tf.service.versions.change import history_lines

    detector = Detector.load(folder)
    for name, text in facts_of(detector).items():
        app.echo(f"{name:<15}{text}")
    for line in history_lines(detector.manifest.get("history", [])):
        app.echo(f"{'history':<15}{printable(line)}")
    for (machine, section), threshold in detector.thresholds.items():
        value = "none" if threshold.value is None else f"{threshold.value:.6g}"
        app.echo(f"{'threshold':<15}{machine} {section}: {value} ({threshold.rule})")


def card(values: flags.FlagValues, positional: list[str]) -> None:
    """Prints the card of a detector, or writes it to a file."""
    folder = folder_of(positional)
    if values.output is not None:
        check_output(values.output, folder)
    from asd_tf.detector import Detector
    from asd_tf.service.card import card_of

    text = card_of(Detector.load(folder))
    if values.output is None:
        app.echo(text.rstrip("\n"))
        return
    from asd_tf.files import write_text

    write_text(values.output, text)
    app.echo(f"{values.output}: the card of {folder}")


def drift(values: flags.FlagValues, positional: list[str]) -> int:
    """Compares recordings with those of training; returns the exit status."""
    if len(positional) < 2:
        raise UsageError("name a detector, and files, folders or manifests of recent recordings")
    from asd_tf.detector.folder import detector_in

    folder = detector_in(positional[0])
    if values.output is not None:
        check_output(values.output, folder)
    from asd_tf.data.layouts.inputs import Inputs
    from asd_tf.detector import Detector
    from asd_tf.files import write_json
    from asd_tf.progress import progress_over
    from asd_tf.service.drift.find import find_drift, in_order

    detector = Detector.load(folder)
    clips = in_order(Inputs(positional[1:], detector.channel), values.by)
    options = {name: values[name].value for name in ("machine", "section", "level")}
    with progress_over(len(clips), "score") as progress:
        found, listener = find_drift(detector, clips, progress=progress, **options)
    report_drift(found, listener)
    if values.output is not None:
        groups = [{"machine": m, "section": s, **of.to_json()} for (m, s), of in found.items()]
        write_json(values.output, {"level": values.level, "groups": groups})
    if values.fail_on_drift and any(of.reasons for of in found.values()):
        return DRIFTED
    return 1 if listener.unknown or any(of.observed.bad for of in found.values()) else 0


def report_drift(found: "Mapping[Group, Drift]", listener: "Listener") -> None:
    """Prints the verdict of each group with its numbers, and says what was not compared."""
    from asd_tf.service.drift.verdict import text_of

    for (machine, section), of_group in found.items():
        app.echo(f"{machine} {section}: {of_group.verdict}")
        for name, text in text_of(of_group).items():
            app.echo(f"    {name:<13}{printable(text)}")
    for (machine, section), count in listener.unknown.items():
        print(
            f"not known: machine '{machine}', section '{section}': {count} recordings (set "
            "--machine and --section)",
            file=sys.stderr,
        )


def evaluate(values: flags.FlagValues, positional: list[str]) -> None:
    """Evaluates a detector on labeled data."""
    if len(positional) < 2:
        raise UsageError("name a detector, and folders or manifests of labeled data")
    if values.out is None:
        raise UsageError("--out is missing: name the folder to write the evaluation to")
    from asd_tf import api
    from asd_tf.cli.messages import report_evaluation

    names = ("dataset", "ground_truth", "own_labels", "extra_scores", "tsne")
    folder, *data = positional
    evaluation = api.evaluate_detector(
        folder, data, values.out, **{name: values[name].value for name in names}
    )
    report_evaluation(evaluation, Path(values.out))


def sign(values: flags.FlagValues, positional: list[str]) -> None:
    """Signs a detector after a check of its files."""
    folder = folder_of(positional)
    if values.key is None:
        raise UsageError("--key is missing: name the file of the key to sign with")
    from asd_tf.detector.sealing.manifest import sign_detector

    key = sign_detector(folder, Path(values.key))
    app.echo(f"{folder}: signed, {key.algorithm}, key {key.fingerprint}")


def verify(values: flags.FlagValues, positional: list[str]) -> None:
    """Checks a detector by loading all of it."""
    folder = folder_of(positional)
    from asd_tf.detector import Detector

    detector = Detector.load(folder, values.key)
    loaded = detector.load_all()
    app.echo(f"{folder}: whole, {loaded} networks and backends loaded")
    if values.key is not None:
        app.echo(f"{folder}: signed with {values.key}")


def folder_of(positional: list[str]) -> Path:
    """Returns the folder of the one detector that is named.

    Raises:
        UsageError: If none or several are.
    """
    if len(positional) != 1:
        raise UsageError("name one detector: its folder, or that of its run")
    from asd_tf.detector.folder import detector_in

    return detector_in(positional[0])


def check_output(output: str, detector: Path) -> None:
    """Refuses a file that would break a detector, or cannot be one.

    Raises:
        UsageError: If it lies in the folder of the detector, which holds nothing else, or is a
            folder or a device.
    """
    path = Path(output)
    if path.exists() and not path.is_file():
        raise UsageError(f"--output={output}: is a folder or a device, and no file")
    from asd_tf.detector.folder import check_outside

    check_outside(path, detector)
