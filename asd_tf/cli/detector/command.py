"""`asd-detector`: its commands, each with its flags and its help."""

from asd_tf.cli import commands
from asd_tf.cli.detector import flags, texts
from asd_tf.cli.detector.reading import card, drift, evaluate, info, sign, verify
from asd_tf.cli.detector.versions import add, feedback, remove, threshold


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    commands.run(COMMANDS, texts.DESCRIPTION, argv)


COMMANDS: dict[str, commands.Command] = {
    "add": (flags.define_add, add, texts.ADD),
    "card": (flags.define_output, card, texts.CARD),
    "drift": (flags.define_drift, drift, texts.DRIFT),
    "evaluate": (flags.define_evaluate, evaluate, texts.EVALUATE),
    "feedback": (flags.define_version, feedback, texts.FEEDBACK),
    "info": (commands.no_flags, info, texts.INFO),
    "remove": (flags.define_remove, remove, texts.REMOVE),
    "sign": (flags.define_key, sign, texts.SIGN),
    "threshold": (flags.define_threshold, threshold, texts.THRESHOLD),
    "verify": (flags.define_key, verify, texts.VERIFY),
}
