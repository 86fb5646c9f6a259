"""What all command lines share: flags, one-line errors and exit status."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import flags

from asd_tf.errors import AsdError, UsageError, printable


def run(
    main: Callable[[flags.FlagValues, list[str]], int | None],
    define_flags: Callable[[flags.FlagValues], None],
    description: str,
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Runs a command and exits: 0 on success, 1 for wrong data or files, 2 for a wrong command.

    Args:
        main: Takes the parsed flags and the other arguments, returns an exit status or None.
        define_flags: Adds the command's flags.
        description: The text that `--help` shows above the flags.
        argv: The command line with the program first; by default that of the process.
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
        _log_to_stderr()
        _quiet_tensorflow()
        status = main(values, positional)
    except flags.Error as error:
        _fail(error, 2)
    except AsdError as error:
        _fail(error, error.exit_status, values)
    except KeyboardInterrupt:
        _fail("interrupted; the same command continues the work", 130, values)
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(_of_os(error), 1, values)
    except Exception as error:
        if type(error).__name__ == "ResourceExhaustedError":  # TensorFlow may not be imported.
            _fail(_of_resources(str(error)), 1, values)
        _fail(f"{type(error).__name__}: {error} (a defect of asd_tf; see --traceback)", 1, values)
    sys.exit(status or 0)


def echo(message: str) -> None:
    """Prints a result on the standard output at once, also into a pipe."""
    print(message, flush=True)


def no_arguments(positional: Sequence[str]) -> None:
    """Refuses arguments that are not flags.

    Raises:
        UsageError: If there are any.
    """
    if positional:
        raise UsageError(f"'{positional[0]}' is not a flag; write --name=value")


def _fail(error: Exception | str, status: int, values: flags.FlagValues | None = None) -> NoReturn:
    if values is not None and values.is_parsed() and values.traceback:
        import traceback

        traceback.print_exc()
    message = " ".join(str(error).split())
    print(f"error: {printable(message)}", file=sys.stderr)
    sys.exit(status)


def _of_os(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _of_resources(message: str) -> str:
    """Says what TensorFlow lacks, which names files and tensors at length."""
    if "No space left" in message:
        return "no space is left on the disk; free some, and the same command continues the work"
    return "out of memory: use smaller batches or shorter clips (see --traceback)"


def _help(values: flags.FlagValues) -> str:
    lines = []
    for name in sorted(values):
        flag = values[name]
        if name == flag.name:
            default = "" if flag.default in (None, False, []) else f" (default: {flag.default})"
            lines.append(f"  --{name}{default}\n      {flag.help}")
    return "\n".join(lines)


def _log_to_stderr() -> None:
    """Logs plain lines to the standard error, apart from the results."""
    from absl import logging as absl_logging  # takes 0.1 s, which --help can save

    handler = absl_logging.get_absl_handler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.python_handler.setStream(sys.stderr)
    absl_logging.use_absl_handler()
    # absl's own flags are not used; unparsed, they make it warn at its first message.
    flags.FLAGS.mark_as_parsed()
    logging.getLogger("asd_tf").setLevel(logging.INFO)


def _quiet_tensorflow() -> None:
    """Hides TensorFlow's notes on CPU features and missing GPUs; a user's own value wins."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A method with a network for each machine compiles each of them, which is intended.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )
