"""Divides the slow tests, so that CI runs a part of them on each commit.

    pytest -m slow --slow-slice=1/3                  runs the first of three slices
    pytest -m slow --record-slow=tests/slow_durations.json    measures the tests anew

The slow tests of a file stay together, since they share what is trained for them. In which slice a
file is depends on its name and on the recorded durations alone. Three commits in a row, each with
another of three slices, therefore run every slow test, also when files were added in between; only
a commit that records durations anew may move files. A duration is processor time, which other work
on the machine changes little.
"""

import argparse
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

DURATIONS = Path(__file__).parents[1] / "slow_durations.json"

_LAST = pytest.StashKey[float]()


def slice_of(name: str, durations: Mapping[str, float], count: int) -> int:
    """Returns in which slice a file of tests is.

    Args:
        name: Path of the file, as node IDs begin with it.
        durations: Path to processor seconds, of files that were measured. Each of these, the
            longest first, goes to the slice that is the shortest so far; others go by a hash.
        count: How many slices there are.

    Returns:
        The slice, from 1 to `count`.
    """
    if name not in durations:
        return int(hashlib.sha256(name.encode()).hexdigest(), 16) % count + 1
    seconds = [0.0] * count
    for other in sorted(durations, key=lambda other: (-durations[other], other)):
        shortest = seconds.index(min(seconds))
        if other == name:
            return shortest + 1
        seconds[shortest] += durations[other]
    raise AssertionError(name)


def read_durations(path: Path = DURATIONS) -> dict[str, float]:
    """Reads the recorded durations: path of a file to seconds of processor time."""
    return json.loads(path.read_text(encoding="utf-8"))


def _slice(text: str) -> tuple[int, int]:
    number, slash, count = text.partition("/")
    if not (slash and number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"'{text}' is not K/N with K from 1 to N")
    return int(number), int(count)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    parser.addoption("--slow-slice", type=_slice, metavar="K/N", help="run slice K of N slow ones")
    parser.addoption("--record-slow", type=Path, metavar="PATH", help="add durations to PATH")


def pytest_configure(config: pytest.Config) -> None:
    """Measures where it is asked for, in the process that sees all results."""
    path = config.getoption("--record-slow")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(path.absolute()))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the slow tests of other slices; tests that are not slow are left alone."""
    if config.getoption("--slow-slice") is None:
        return
    number, count = config.getoption("--slow-slice")
    durations = read_durations()
    elsewhere = [
        item
        for item in items
        if item.get_closest_marker("slow") and slice_of(_file(item), durations, count) != number
    ]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


def _file(test: pytest.Item | pytest.TestReport) -> str:
    return test.nodeid.partition("::")[0]


def _processor_seconds() -> float:
    """Returns the time that this process and the children that it waited for have used."""
    return sum(os.times()[:4])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts the clock where the first test begins."""
    session.config.stash[_LAST] = _processor_seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to a report the processor time since the report before it."""
    report = yield
    now = _processor_seconds()
    report.processor_seconds = now - item.config.stash[_LAST]  # type: ignore[attr-defined]
    item.config.stash[_LAST] = now
    return report


class _Recorder:
    """Adds up the time of the slow tests of each file, with what was set up for them."""

    def __init__(self, path: Path):
        self.path = path
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "slow" in report.keywords:
            self.seconds[_file(report)] += report.processor_seconds

    def pytest_sessionfinish(self) -> None:
        durations = read_durations(self.path) if self.path.exists() else {}
        durations |= {name: round(seconds, 1) for name, seconds in self.seconds.items()}
        text = json.dumps(durations, indent=2, sort_keys=True)
        self.path.write_text(text + "\n", encoding="utf-8")
