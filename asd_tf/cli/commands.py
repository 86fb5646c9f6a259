"""Command lines of several commands, such as `asd-data list`, each with flags of its own."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from absl import flags

from asd_tf.cli import app
from asd_tf.config import check_choice
from asd_tf.errors import UsageError

# Defines the flags, runs the command, and describes it.
Command = tuple[
    Callable[[flags.FlagValues], None],
    Callable[[flags.FlagValues, list[str]], int | None],
    str,
]


def run(
    commands: Mapping[str, Command], description: str, argv: Sequence[str] | None = None
) -> NoReturn:
    """Runs the command that is named first and exits, see `app.run`.

    Args:
        commands: Name to command.
        description: The text that `--help` without a command shows.
        argv: The command line with the program first; by default that of the process.
    """
    argv = list(sys.argv if argv is None else argv)
    names = [argument for argument in argv[1:] if argument in commands]
    if not names:
        asks_help = {"-h", "--help"} & set(argv)

        def define(values: flags.FlagValues) -> None:
            if not asks_help:
                _define_all(commands, values)

        def refuse(values: flags.FlagValues, positional: list[str]) -> None:
            if not positional:
                raise UsageError(f"name a command: {', '.join(commands)}")
            check_choice("command", positional[0], commands)

        app.run(refuse, define, description, argv)
    define_flags, main, text = commands[names[0]]
    argv.remove(names[0])
    app.run(main, define_flags, text, argv)


def no_flags(values: flags.FlagValues) -> None:
    """Defines nothing."""


def _define_all(commands: Mapping[str, Command], values: flags.FlagValues) -> None:
    """Defines the flags of all commands, so that the error is about an unknown command only."""
    for define_flags, _, _ in commands.values():
        of_command = flags.FlagValues()
        define_flags(of_command)
        for name in set(of_command) - set(values):
            values[name] = of_command[name]
