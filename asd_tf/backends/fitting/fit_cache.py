"""A cache of fits: cross-fitting repeats many of them.

Leaving out a target clip does not change the training rows of the members of the source domain.
Without a cache, a mixture of a thousand source clips would be fitted again for each target clip.
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
def fit_cache() -> Iterator[None]:
    """Caches the results of functions decorated with `memoized` inside this context."""
    token = _results.set({})
    try:
        yield
    finally:
        _results.reset(token)


def memoized(function: Callable) -> Callable:
    """Caches the results of a pure function of estimators and arrays.

    Inside `fit_cache` the function is called once for equal arguments; outside it is not cached.
    Callers share the results and must not change them.
    """

    @functools.wraps(function)
    def cached(*arguments):
        results = _results.get()
        if results is None:
            return function(*arguments)
        key = f"{function.__qualname__} {joblib.hash(arguments)}"
        if key not in results:
            results[key] = function(*arguments)
        return results[key]

    return cached
