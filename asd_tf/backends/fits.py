"""Fits that are remembered: cross-fitting asks for many of them more than once.

A target clip that is left out changes nothing for the members of the source domain, so that a
mixture of a thousand source clips would be fitted again for every one of them.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import joblib

_results: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "results", default=None
)


@contextlib.contextmanager
def remembered_fits() -> Iterator[None]:
    """Remembers, inside this context, what functions under `@once` returned."""
    token = _results.set({})
    try:
        yield
    finally:
        _results.reset(token)


def once(function: Callable) -> Callable:
    """Makes a pure function of estimators and arrays one that is called once for equal arguments.

    It is so within `remembered_fits` only. Callers share the result and must not change it.
    """

    @functools.wraps(function)
    def remembering(*arguments):
        results = _results.get()
        if results is None:
            return function(*arguments)
        key = f"{function.__qualname__} {joblib.hash(arguments)}"
        if key not in results:
            results[key] = function(*arguments)
        return results[key]

    return remembering
