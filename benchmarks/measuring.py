"""Times and memory of a process."""

import resource
import time
from collections.abc import Callable


def timed(function: Callable) -> float:
    """Returns how many seconds a function takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak_mebibytes() -> float:
    """Returns the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
