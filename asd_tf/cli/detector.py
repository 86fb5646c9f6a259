"""`asd-detector`: shows, checks and signs detectors; its commands and their flags."""

from pathlib import Path
from typing import Any

from absl import flags

from asd_tf.cli import app, commands
from asd_tf.errors import UsageError

DESCRIPTION = """
Shows, checks and signs a detector, given its folder or that of its run.

  asd-detector info DETECTOR
  asd-detector verify DETECTOR
  asd-detector sign DETECTOR --key=private.pem
  asd-detector verify DETECTOR --key=public.pem

`asd-detector COMMAND --help` says more.
"""

INFO = """
Shows what a detector is: method, recipe, format, sample rate, machines, thresholds and signature.
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


def info(values: flags.FlagValues, positional: list[str]) -> None:
    """Shows what a detector is."""
    folder = _folder(positional)
    from asd_tf.detector import Detector
    from asd_tf.detector.signature import read_signature

    detector, signature = Detector.load(folder), read_signature(folder)
    for name, text in _lines(detector.manifest).items():
        app.echo(f"{name:<15}{text}")
    signed = "no" if signature is None else f"{signature['algorithm']}, key {signature['key']}"
    app.echo(f"{'signed':<15}{signed}{'' if signature is None else ' (not verified)'}")
    for (machine, section), threshold in detector.thresholds.items():
        value = "none" if threshold.value is None else f"{threshold.value:.6g}"
        app.echo(f"{'threshold':<15}{machine} {section}: {value} ({threshold.rule})")


def sign(values: flags.FlagValues, positional: list[str]) -> None:
    """Signs a detector after a check of its files."""
    folder = _folder(positional)
    if values.key is None:
        raise UsageError("--key is missing: name the file of the key to sign with")
    from asd_tf.detector.manifest import sign_detector

    key = sign_detector(folder, Path(values.key))
    app.echo(f"{folder}: signed, {key.algorithm}, key {key.fingerprint}")


def verify(values: flags.FlagValues, positional: list[str]) -> None:
    """Checks a detector by loading all of it."""
    folder = _folder(positional)
    from asd_tf.detector import Detector

    detector = Detector.load(folder, values.key)
    loaded = detector.load_all()
    app.echo(f"{folder}: whole, {loaded} networks and backends loaded")
    if values.key is not None:
        app.echo(f"{folder}: signed with {values.key}")


def _folder(positional: list[str]) -> Path:
    if len(positional) != 1:
        raise UsageError("name one detector: its folder, or that of its run")
    from asd_tf.detector.folder import detector_in

    return detector_in(positional[0])


def _lines(manifest: dict[str, Any]) -> dict[str, Any]:
    """Returns name and value of what is shown of a manifest."""
    seconds = manifest.get("samples", 0) / manifest.get("sample_rate", 1)
    lines = {
        "format": f"{manifest['format_version']}, written by asd_tf {manifest['asd_tf']}",
        "method": manifest.get("method", "several"),
        "recipe": manifest.get("recipe", "several"),
        "parts": ", ".join(manifest.get("parts", [])),
        "extractors": ", ".join(manifest.get("extractors", [])),
        "sample rate": f"{manifest.get('sample_rate', 'several')} Hz",
        "clip": f"{seconds:g} s" if seconds else "several lengths",
        "channel": _channel(manifest),
        "groups": len(manifest["groups"]),
        "files": len(manifest["sha256"]),
    }
    return {name: text for name, text in lines.items() if text}


def _channel(manifest: dict[str, Any]) -> str:
    if "channels" in manifest:
        return f"each of {manifest['channels']}, as windows of their own"
    channel = manifest.get("channel")
    return "mean of all" if channel is None else str(channel)


def _define_key(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "key", None, "File of the key: ed25519 in PEM, or a secret of 32 bytes.", flag_values=values
    )


COMMANDS: dict[str, commands.Command] = {
    "info": (commands.no_flags, info, INFO),
    "sign": (_define_key, sign, SIGN),
    "verify": (_define_key, verify, VERIFY),
}
