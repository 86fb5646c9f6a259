"""How every command line starts and ends: flags, one-line errors and exit status."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import flags

from asd_tf.errors import AsdError, UsageError


def run(
    main: Callable[[flags.FlagValues, list[str]], int | None],
    define_flags: Callable[[flags.FlagValues], None],
    description: str,
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Runs a command and exits: 0 on success, 1 for a wrong world, 2 for a wrong command.

    Args:
        main: Takes the parsed flags and the other arguments, returns an exit status or None.
        define_flags: Adds the command's flags.
        description: What `--help` says above the flags.
        argv: The command line, program first; that of the process by default.
    """
    argv = list(sys.argv if argv is None else argv)
    values = flags.FlagValues()
    define_flags(values)
    flags.DEFINE_bool("help", False, "Show this help.", short_name="h", flag_values=values)
    flags.DEFINE_bool(
        "traceback", False, "Show where in the code an error came from.", flag_values=values
    )
    try:
        positional = values(argv)[1:]
        if values.help:
            print(f"{description.strip()}\n\nFlags:\n{_help(values)}")
            sys.exit(0)
        _quiet_tensorflow()
        status = main(values, positional)
    except flags.Error as error:
        _fail(error, 2)
    except AsdError as error:
        _fail(error, error.exit_status, values)
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on where this one stopped", 130, values)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(_of_os(error), 1, values)
    except Exception as error:
        _fail(f"{type(error).__name__}: {error} (a defect of asd_tf; see --traceback)", 1, values)
    sys.exit(status or 0)


def no_arguments(positional: Sequence[str]) -> None:
    """Refuses arguments that are no flags.

    Raises:
        UsageError: If there are any.
    """
    if positional:
        raise UsageError(f"'{positional[0]}' is no flag; write --name=value")


def _fail(error: Exception | str, status: int, values: flags.FlagValues | None = None) -> NoReturn:
    if values is not None and values.is_parsed() and values.traceback:
        import traceback

        traceback.print_exc()
    message = " ".join(str(error).split())
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def _of_os(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _help(values: flags.FlagValues) -> str:
    lines = []
    for name in sorted(values):
        flag = values[name]
        if name == flag.name:
            default = "" if flag.default in (None, False, []) else f" (default: {flag.default})"
            lines.append(f"  --{name}{default}\n      {flag.help}")
    return "\n".join(lines)


def _quiet_tensorflow() -> None:
    """Hides TensorFlow's notes on CPU features and missing GPUs; a user's own value wins."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A method with a network for each machine compiles each of them: that is no mistake.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )
