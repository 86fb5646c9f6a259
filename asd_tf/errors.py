"""Errors that a user can cause, each one line long and each with its exit status."""


class AsdError(Exception):
    """Base of every error that is reported as one line and without a traceback.

    Attributes:
        exit_status: What the command line returns, 1 or 2.
    """

    exit_status = 1


class InputError(AsdError):
    """The world is not as needed: a folder is missing, a file is bad, a disk is full."""

    exit_status = 1


class UsageError(AsdError):
    """The command is wrong: an unknown method, key, flag or value."""

    exit_status = 2


class NotSuitedError(UsageError):
    """What the command asks for is not installed, or does not suit these recordings."""


def printable(text: str) -> str:
    """Returns a text with those bytes of file names that are not UTF-8 as escapes."""
    return text.encode(errors="backslashreplace").decode()
