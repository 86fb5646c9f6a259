"""Slow tests are divided over three commits, and none is forgotten."""

import itertools
import json
from pathlib import Path

import pytest
from slow_slice import read_durations, slice_of

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
SLICES = (1, 2, 3)

TESTS = """
import pytest

@pytest.mark.slow
def test_slow():
    pass

def test_quick():
    pass
"""

BUSY = """
import subprocess, sys
import pytest

@pytest.mark.slow
def test_busy():
    code = "import time\\nwhile time.process_time() < 1: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
"""

IDLE = """
import time
import pytest

@pytest.mark.slow
def test_idle():
    time.sleep(1)
"""


@pytest.fixture
def project(pytester):
    """A project of nine files with a slow test and a quick one each."""
    pytester.makeini("[pytest]\nmarkers = slow: takes long")
    pytester.makeconftest('pytest_plugins = ["slow_slice"]')
    pytester.makepyfile(**{f"test_{number}": TESTS for number in range(9)})
    return pytester


def passed(project, *arguments) -> list[str]:
    result = project.runpytest("-v", *arguments)
    assert result.ret == 0
    return [word for line in result.outlines if "PASSED" in line for word in line.split()
            if "::" in word]  # fmt: skip


def test_every_slow_test_is_in_exactly_one_slice(project):
    """Three commits in a row must run all slow tests, each once."""
    slices = [passed(project, "-m", "slow", f"--slow-slice={k}/3") for k in SLICES]
    everything = passed(project, "-m", "slow")
    assert len(everything) == 9
    assert sorted(itertools.chain(*slices)) == sorted(everything)


def test_quick_tests_are_in_every_slice(project):
    """The option must choose among slow tests only."""
    for k in SLICES:
        names = passed(project, f"--slow-slice={k}/3")
        assert sum("test_quick" in name for name in names) == 9


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0"])
def test_a_slice_that_does_not_exist_is_an_error(project, text):
    """A slip in CI must not pass for a slice without failures."""
    result = project.runpytest(f"--slow-slice={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*K from 1 to N*"])


def test_slices_of_measured_tests_take_alike_long():
    """No slice may need its time limit while another is idle."""
    durations = {"a": 60.0, "b": 50.0, "c": 40.0, "d": 30.0, "e": 20.0, "f": 10.0}
    seconds = dict.fromkeys(SLICES, 0.0)
    for name in durations:
        seconds[slice_of(name, durations, 3)] += durations[name]
    assert list(seconds.values()) == [70.0, 70.0, 70.0]


def test_a_new_test_moves_no_other(project):
    """A test that is added between two commits must not make a later slice miss an older one."""
    before = {k: set(passed(project, f"--slow-slice={k}/3")) for k in SLICES}
    project.makepyfile(**{f"test_new_{number}": TESTS for number in range(9)})
    after = {k: set(passed(project, f"--slow-slice={k}/3")) for k in SLICES}
    for k in SLICES:
        old = {name for name in after[k] if not name.startswith("test_new")}
        assert old == before[k]
        assert old != after[k]


def test_durations_are_recorded_of_slow_tests_alone(project):
    """The balance must rest on what was measured."""
    passed(project, "--record-slow=durations.json")
    durations = json.loads((project.path / "durations.json").read_text())
    assert sorted(durations) == [f"test_{number}.py" for number in range(9)]


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_duration_is_the_processor_time_of_a_test_and_its_children(pytester, processes):
    """Waiting must not count, and the commands that a test runs must."""
    pytester.makeini("[pytest]\nmarkers = slow: takes long")
    pytester.makeconftest('pytest_plugins = ["slow_slice"]')
    pytester.makepyfile(test_busy=BUSY, test_idle=IDLE)
    passed(pytester, "--record-slow=durations.json", f"-n{processes}")
    durations = json.loads((pytester.path / "durations.json").read_text())
    assert durations["test_busy.py"] > 2 * durations["test_idle.py"]


def test_recorded_durations_belong_to_files_that_exist():
    """A file that was renamed must be measured anew, or the slices lose their balance."""
    for name in read_durations():
        assert "mark.slow" in (ROOT / name).read_text(encoding="utf-8"), name


def test_every_slice_ends_in_time():
    """A slice has 20 minutes of two processors in CI; half of that is kept in reserve."""
    durations = read_durations()
    for k in SLICES:
        assert sum(s for name, s in durations.items() if slice_of(name, durations, 3) == k) < 1200
