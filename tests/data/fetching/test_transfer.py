"""A download must end with the right file, or with a one-line error and no wrong file."""

import hashlib

import numpy as np
import pytest
from servers import Server

from asd_tf.data.fetching.transfer import Patience, fetch, fetch_json
from asd_tf.errors import InputError

CONTENT = np.random.default_rng(0).bytes(3_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
FILE = "/records/1/files/fan.zip"

PATIENCE = Patience(timeout=0.4, attempts=3, pause=0.01)


@pytest.fixture
def server():
    with Server() as server:
        server.files[FILE] = CONTENT
        yield server


def get(server, path, **arguments):
    arguments = {"size": len(CONTENT), "md5": MD5} | arguments
    fetch(server.url + FILE, path, PATIENCE, **arguments)


def ranges(server):
    return [asked for _, asked in server.requests]


def assert_nothing_is_left(folder):
    assert list(folder.iterdir()) == []


def test_a_file_arrives_with_its_progress(server, tmp_path):
    positions = []
    get(server, tmp_path / "fan.zip", progress=positions.append)
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT
    assert positions == sorted(positions)
    assert positions[0] == 0
    assert positions[-1] == len(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["fan.zip"]


def test_a_cut_is_continued_where_it_happened(server, tmp_path):
    server.faults[FILE] = [{"cut": 1_000_000}, {"cut": 500_000}]
    get(server, tmp_path / "fan.zip")
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_stall_is_given_up_and_continued(server, tmp_path):
    server.faults[FILE] = [{"stall": 2_000_000}]
    get(server, tmp_path / "fan.zip")
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=2000000-"]


def test_a_download_over_a_bad_line_ends_while_it_makes_progress(server, tmp_path):
    content = CONTENT * 3
    server.files[FILE] = content
    server.faults[FILE] = [{"cut": 1_100_000}] * 8
    get(server, tmp_path / "fan.zip", size=len(content), md5=hashlib.md5(content).hexdigest())
    assert (tmp_path / "fan.zip").read_bytes() == content


def test_attempts_without_progress_are_bounded_and_the_part_is_kept(server, tmp_path):
    server.faults[FILE] = [{"cut": 1000}, *[{"cut": 0}] * 20]
    with pytest.raises(InputError, match=r"cut at 1000 of 3000000 bytes, 3 times.*goes on"):
        get(server, tmp_path / "fan.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["fan.zip.part"]
    assert (tmp_path / "fan.zip.part").read_bytes() == CONTENT[:1000]
    server.faults[FILE].clear()
    server.requests.clear()
    get(server, tmp_path / "fan.zip")
    assert ranges(server) == ["bytes=1000-"]
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.faults[FILE] = [{"cut": 1_000_000}, {"ignore_range": True}]
    get(server, tmp_path / "fan.zip")
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT


def test_another_range_than_asked_for_is_not_mixed_in(server, tmp_path):
    server.faults[FILE] = [{"cut": 1_000_000}, {"shift": 7}]
    get(server, tmp_path / "fan.zip")
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("length", [len(CONTENT) + 100, len(CONTENT) - 100, 0])
def test_a_wrong_length_is_named(server, tmp_path, length):
    server.faults[FILE] = [{"length": length}] * 10
    with pytest.raises(InputError, match=f"announces {length} bytes, and the record 3000000"):
        get(server, tmp_path / "fan.zip")
    assert_nothing_is_left(tmp_path)


def test_a_file_longer_than_the_record_states_is_removed(server, tmp_path):
    server.faults[FILE] = [{"length": None}] * 10
    with pytest.raises(InputError, match="longer than 2999000 bytes"):
        get(server, tmp_path / "fan.zip", size=len(CONTENT) - 1000)
    assert_nothing_is_left(tmp_path)


def test_a_file_shorter_than_the_record_states_is_an_error(server, tmp_path):
    """The file has shrunk on the server, so every attempt asks for bytes that do not exist."""
    server.faults[FILE] = [{"length": None}, *[{"status": 416}, {"length": None}] * 10]
    with pytest.raises(InputError, match="times"):
        get(server, tmp_path / "fan.zip", size=len(CONTENT) + 1000)
    assert not (tmp_path / "fan.zip").exists()


def test_wrong_bytes_are_removed(server, tmp_path):
    server.files[FILE] = CONTENT[:-1] + b"x"
    with pytest.raises(InputError, match=f"MD5 checksum .*, not {MD5}"):
        get(server, tmp_path / "fan.zip")
    assert_nothing_is_left(tmp_path)


def test_a_part_of_another_file_is_detected_and_replaced(server, tmp_path):
    (tmp_path / "fan.zip.part").write_bytes(b"other" * 1000)
    get(server, tmp_path / "fan.zip")
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT
    assert ranges(server) == ["bytes=5000-", None]


@pytest.mark.parametrize("extra", [0, 1000])
def test_a_part_that_is_whole_or_too_long(server, tmp_path, extra):
    (tmp_path / "fan.zip.part").write_bytes(CONTENT + b"x" * extra)
    get(server, tmp_path / "fan.zip")
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT
    assert ranges(server) == ([None] if extra else [])


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_not_repeated(server, tmp_path, status):
    server.faults[FILE] = [{"status": status}]
    with pytest.raises(InputError, match=f"{server.url}{FILE}: the server answers {status}"):
        get(server, tmp_path / "fan.zip")
    assert len(server.requests) == 1
    assert_nothing_is_left(tmp_path)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, tmp_path, status):
    server.faults[FILE] = [{"status": status}] * 2
    get(server, tmp_path / "fan.zip")
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT
    server.faults[FILE] = [{"status": status}] * 10
    with pytest.raises(InputError, match=f"the server answers {status}, 3 times"):
        get(server, tmp_path / "again.zip")


def test_the_wait_that_the_server_asks_for_is_kept(server, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("asd_tf.data.fetching.transfer.time.sleep", waits.append)
    server.faults[FILE] = [
        {"status": 429, "headers": {"Retry-After": "7"}},
        {"status": 429, "headers": {"Retry-After": "86400"}},
    ]
    get(server, tmp_path / "fan.zip")
    assert waits == [7, 60]


def test_no_server_is_one_line(tmp_path):
    with Server() as server:
        pass
    with pytest.raises(InputError, match=r"no connection: .*refused, 3 times"):
        get(server, tmp_path / "fan.zip")
    assert_nothing_is_left(tmp_path)


def test_a_file_of_unknown_length_is_bounded_and_not_cut(server, tmp_path):
    server.faults[FILE] = [{"cut": 1000}]
    get(server, tmp_path / "fan.zip", size=None, md5=None, max_size=2**22)
    assert (tmp_path / "fan.zip").read_bytes() == CONTENT
    with pytest.raises(InputError, match="longer than 1000 bytes"):
        get(server, tmp_path / "again.zip", size=None, md5=None, max_size=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["fan.zip"]


def test_json_is_read_whole_or_refused(server):
    server.files["/api"] = b'{"files": [1, 2, 3]}'
    server.faults["/api"] = [{"cut": 5}, {"stall": 3}]
    assert fetch_json(f"{server.url}/api", PATIENCE) == {"files": [1, 2, 3]}
    server.files["/api"] = b"<html>"
    with pytest.raises(InputError, match="not JSON"):
        fetch_json(f"{server.url}/api", PATIENCE)
