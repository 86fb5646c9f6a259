"""A zip of any origin must be unpacked whole and inside its folder, or not at all."""

import io
import stat
import zipfile
from pathlib import Path

import pytest
from data_helpers import zip_bytes

from asd_tf.data import archives
from asd_tf.data.archives import BadArchiveError, csv_files_of, unpack
from asd_tf.errors import InputError


@pytest.fixture
def unpacked(tmp_path):
    """Returns a function that unpacks bytes to `home/out` and returns the counts of its files."""
    home = tmp_path / "home"
    home.mkdir()

    def run(content: bytes):
        archive = tmp_path / "fan.zip"
        archive.write_bytes(content)
        return unpack(archive, home / "out", home / "scratch")

    return run


def files_below(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()
    )


def test_an_archive_joins_what_is_there(unpacked, tmp_path):
    """Training and test clips of a machine come in two archives."""
    home = tmp_path / "home"
    first = unpacked(zip_bytes({"fan/train/a.wav": b"a", "fan/attributes_00.csv": b"1"}))
    second = unpacked(
        zip_bytes({"fan/": b"", "fan/test/b.wav": b"b", "fan/test/c.wav": b"", "valve/d.wav": b"d"})
    )
    assert first == {"fan/train": 1, "fan": 1}
    assert second == {"fan/test": 2, "valve": 1}
    assert files_below(home) == [
        "out/fan/attributes_00.csv", "out/fan/test/b.wav", "out/fan/test/c.wav",
        "out/fan/train/a.wav", "out/valve/d.wav",
    ]  # fmt: skip
    assert (home / "out/fan/test/b.wav").read_bytes() == b"b"


def test_what_a_killed_process_leaves_is_no_clip(unpacked, tmp_path, monkeypatch):
    """A reader that lists the folder must not find the same recording twice."""
    seen = []
    move = Path.replace

    def replace(source, target):
        seen.extend(path.name for path in (tmp_path / "home/scratch").iterdir())
        return move(source, target)

    monkeypatch.setattr(Path, "replace", replace)
    unpacked(zip_bytes({"fan/train/a.wav": b"a", "fan/train/b.wav": b"b"}))
    assert set(seen) == {"0", "1"}


def test_what_file_managers_leave_is_left_out(unpacked, tmp_path):
    unpacked(zip_bytes({"fan/train/a.wav": b"a", "__MACOSX/fan/train/._a.wav": b"x",
                     "fan/.DS_Store": b"x", "fan/train/._a.wav": b"x"}))  # fmt: skip
    assert files_below(tmp_path / "home") == ["out/fan/train/a.wav"]


def link(target: str) -> bytes:
    entry = zipfile.ZipInfo("fan/train/a.wav")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("fan/train/0.wav", b"0")
        file.writestr(entry, target)
    return buffer.getvalue()


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("fan/a.wav", b"1")
        file.writestr("fan//a.wav", b"2")
    return buffer.getvalue()


GOOD = zip_bytes({"fan/train/a.wav": bytes(range(256)) * 40}, zipfile.ZIP_STORED)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zip_bytes({"fan/a.wav": b"a", "../b.wav": b"b"}), "would leave the folder"),
        (zip_bytes({"fan/a.wav": b"a", "fan/../../b.wav": b"b"}), "would leave the folder"),
        (zip_bytes({"fan/a.wav": b"a", "..\\b.wav": b"b"}), "would leave the folder"),
        (zip_bytes({"fan/a.wav": b"a", "/tmp/b.wav": b"b"}), "would leave the folder"),
        (zip_bytes({"fan/a.wav": b"a", "C:/b.wav": b"b"}), "would leave the folder"),
        (link("/etc/passwd"), "is a link"),
        (link("../../.."), "is a link"),
        (zip_bytes({"fan/a.wav": bytes(300_000_000)}), "would unpack to 300000000 bytes"),
        (twice(), "occurs twice"),
        (GOOD[:-30], "damaged, or not a zip"),
        (GOOD.replace(bytes(range(100)), bytes(100), 1), "damaged, or not a zip"),
        (b"<html>404</html>", "damaged, or not a zip"),
        (b"", "damaged, or not a zip"),
    ],
)
def test_a_hostile_or_damaged_archive_leaves_nothing(unpacked, tmp_path, content, message):
    with pytest.raises(BadArchiveError, match=message):
        unpacked(content)
    assert files_below(tmp_path) == ["fan.zip"]


def test_an_encrypted_archive_is_named(unpacked, tmp_path):
    content = bytearray(zip_bytes({"fan/a.wav": b"a"}))
    content[6] |= 1
    content[content.rindex(b"PK\1\2") + 8] |= 1
    with pytest.raises(BadArchiveError, match="encrypted"):
        unpacked(bytes(content))
    assert files_below(tmp_path) == ["fan.zip"]


def test_the_number_of_entries_is_bounded(unpacked, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    with pytest.raises(BadArchiveError, match="4 entries are too many"):
        unpacked(zip_bytes({f"fan/{i}.wav": b"" for i in range(4)}))


def test_a_small_disk_is_found_out_before_anything_is_written(unpacked, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("asd_tf.data.archives.shutil.disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="GB are needed") as stopped:
        unpacked(GOOD)
    assert not isinstance(stopped.value, BadArchiveError), "the archive is good, and is kept"
    assert files_below(tmp_path) == ["fan.zip"]


@pytest.mark.parametrize("there", ["out/fan", "out/fan/train", "out"])
def test_a_file_where_a_folder_goes_is_kept(unpacked, tmp_path, there):
    place = tmp_path / "home" / there
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("mine")
    with pytest.raises(InputError, match="would be a folder, and is a file"):
        unpacked(zip_bytes({"fan/train/a.wav": b"a", "ape/train/b.wav": b"b"}))
    assert files_below(tmp_path / "home") == [there]


def test_lists_are_found_in_folders_zips_and_alone(tmp_path):
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    (tmp_path / "sub" / "a.csv").write_bytes(b"\xef\xbb\xbf1,2\r\n")
    (tmp_path / "sub" / ".git" / "hidden.csv").write_text("x")
    (tmp_path / "z.zip").write_bytes(
        zip_bytes(
            {"repo-main/b.csv": b"3", "repo-main/c.py": b"x", "__MACOSX/repo-main/._b.csv": b""}
        )
    )
    found = {name.name: text for name, text in csv_files_of(tmp_path)}
    assert found == {"a.csv": "1,2\r\n", "b.csv": "3"}
    assert [text for _, text in csv_files_of(tmp_path / "sub" / "a.csv")] == ["1,2\r\n"]
    with pytest.raises(InputError, match="no such file"):
        list(csv_files_of(tmp_path / "nowhere"))
    (tmp_path / "sub" / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not text"):
        list(csv_files_of(tmp_path))
