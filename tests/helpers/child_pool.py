"""Child processes that are replaced when they crash or hang."""

import concurrent.futures
import dataclasses
import multiprocessing
import resource
import threading
from collections.abc import Callable, Iterable, Iterator

_START_S = 120


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a call.

    Attributes:
        argument: Its argument.
        answer: What the function returned; `crashed` or `hung` if it did not return.
        grown: By how many MiB the peak of the child's memory had grown since it was ready.
    """

    argument: str
    answer: str
    grown: float = 0.0


def outcomes(
    make: Callable[[], Callable[[str], str]],
    arguments: Iterable[str],
    children: int,
    limit_s: float,
) -> Iterator[Outcome]:
    """Calls a function with each argument in child processes.

    Args:
        make: Importable function that returns the function; called once in each child, to import
            and warm up what the calls need.
        arguments: The arguments.
        children: Number of children.
        limit_s: Seconds after which a call counts as hung.
    """
    local = threading.local()
    started = []

    def call(argument: str) -> Outcome:
        if not hasattr(local, "child"):
            local.child = _Child(make)
            started.append(local.child)
        try:
            return Outcome(argument, *local.child.call(argument, limit_s))
        except (EOFError, ConnectionError):
            reason = "crashed"
        except TimeoutError:
            reason = "hung"
        local.child.end()
        del local.child
        return Outcome(argument, reason)

    with concurrent.futures.ThreadPoolExecutor(children) as pool:
        yield from pool.map(call, arguments)
    for child in started:
        child.end()


class _Child:
    def __init__(self, make: Callable[[], Callable[[str], str]]):
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_answer, args=(make, other), daemon=True)
        self._process.start()
        other.close()
        self._receive(_START_S)

    def call(self, argument: str, limit_s: float) -> tuple[str, float]:
        self._pipe.send(argument)
        return self._receive(limit_s)

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _receive(self, limit_s: float):
        if not self._pipe.poll(limit_s):
            raise TimeoutError
        return self._pipe.recv()


def _answer(make: Callable[[], Callable[[str], str]], pipe) -> None:
    function = make()
    pipe.send("ready")
    start = _peak_mib()
    while True:
        pipe.send((function(pipe.recv()), _peak_mib() - start))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
