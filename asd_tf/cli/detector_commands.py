"""What the commands of `asd-detector` do, beyond the checks of their flags."""

from pathlib import Path

from absl import flags

from asd_tf.cli import app
from asd_tf.errors import UsageError


def info(values: flags.FlagValues, positional: list[str]) -> None:
    """Shows what a detector is."""
    folder = folder_of(positional)
    from asd_tf.detector import Detector
    from asd_tf.detector.description import facts_of

    detector = Detector.load(folder)
    for name, text in facts_of(detector).items():
        app.echo(f"{name:<15}{text}")
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
    from asd_tf.detector.manifest import sign_detector

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
