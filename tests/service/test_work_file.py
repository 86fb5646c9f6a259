"""A work file must hold what was appended, whatever a kill left of its end."""

import pytest

from asd_tf.errors import InputError
from asd_tf.service.work_file import WorkFile

COMMAND = {"detector": "a", "per": "window"}
ROWS = [["a\udcff", 0.1, None, 1], ["b", 1e300, float("inf"), None]]


@pytest.fixture
def part(tmp_path):
    """The work file of scores.csv, with two batches."""
    with WorkFile.opened(tmp_path / "scores.csv", COMMAND) as work:
        work.append("one", ROWS)
        work.append("two", [])
    return tmp_path / ".scores.csv.part"


def test_rows_come_back_as_they_were(part):
    with WorkFile.opened(part.with_name("scores.csv"), COMMAND) as work:
        assert (len(work), "one" in work, "three" in work) == (2, True, False)
        assert (work.rows("one"), work.rows("two")) == (ROWS, [])
        work.remove()
    assert list(part.parent.iterdir()) == []


def test_a_cut_at_any_byte_costs_that_batch_alone(part):
    """Whatever is left of a line must be cut off, and be written again."""
    content = part.read_bytes()
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content) + 1):
        part.write_bytes(content[:length])
        with WorkFile.opened(part.with_name("scores.csv"), COMMAND) as work:
            assert len(work) == sum(length >= end for end in ends[1:])
            if "two" not in work:
                work.append("two", [])
            assert work.rows("two") == []
    part.write_bytes(content.replace(b"1e+300", b"1e+301"))
    with WorkFile.opened(part.with_name("scores.csv"), COMMAND) as work:
        assert len(work) == 0


def test_another_command_is_told_apart(part):
    with WorkFile.opened(part.with_name("scores.csv"), COMMAND | {"per": "both"}) as work:
        assert (work.is_foreign, len(work)) == (True, 0)
    assert not part.exists()


@pytest.mark.parametrize("content", [b"path,score\na,1\n", b"no end of line", b"\x00" * 100])
def test_what_is_no_work_file_is_left_alone(part, content):
    """A file of the user's that has this name must not be overwritten."""
    part.write_bytes(content)
    with (
        pytest.raises(InputError, match="no work file"),
        WorkFile.opened(part.with_name("scores.csv"), COMMAND),
    ):
        pass
    assert part.read_bytes() == content


def test_one_process_writes_a_file(part):
    output = part.with_name("scores.csv")
    with (
        WorkFile.opened(output, COMMAND),
        pytest.raises(InputError, match="another process"),
        WorkFile.opened(output, COMMAND),
    ):
        pass


def test_what_a_kill_left_of_the_file_is_removed(part):
    """Half files of this file alone must go; those of others are in use, or not ours."""
    mine, other = (part.with_name(f".part-0123abcd-{name}") for name in ("scores.csv", "b.csv"))
    mine.touch()
    other.touch()
    with WorkFile.opened(part.with_name("scores.csv"), COMMAND):
        pass
    assert (mine.exists(), other.exists()) == (False, True)
