"""Files are whole or absent, also when a write fails half-way."""

import errno
import json
import os
import subprocess

import numpy as np
import pandas as pd
import pytest
from harness import exit_of

from asd_tf.cli import train
from asd_tf.files import (
    atomic_path,
    create_array,
    is_intact,
    is_leftover,
    read_json,
    sha256_of,
    write_csv,
    write_json,
    write_seal,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    """A crash while metrics are written must not lose those of the last run."""
    path = tmp_path / "metrics.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole(tmp_path):
    """A detector that is written again must not keep files of the one before."""
    folder = tmp_path / "detector"
    for name in ("first", "second"):
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            (temporary / name).write_text(name)
    assert [path.name for path in folder.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    """Files that were put on another disk by a link must stay there."""
    (tmp_path / "disk").mkdir()
    write_text(tmp_path / "disk" / "metrics.json", "old")
    (tmp_path / "metrics.json").symlink_to(tmp_path / "disk" / "metrics.json")
    write_text(tmp_path / "metrics.json", "new")
    assert (tmp_path / "metrics.json").is_symlink()
    assert (tmp_path / "disk" / "metrics.json").read_text() == "new"


def test_a_file_is_intact_until_a_byte_changes(tmp_path):
    path = tmp_path / "features.npy"
    assert not is_intact(path)
    path.write_bytes(bytes(1000))
    assert not is_intact(path)
    write_seal(path)
    assert is_intact(path)
    path.write_bytes(bytes(999) + b"x")
    assert not is_intact(path)


def test_texts_that_begin_as_formulas_get_a_quote(tmp_path):
    """A name of a file must not run as a formula in a spreadsheet; numbers stay as they are."""
    table = pd.DataFrame({"path": ["=1+1", "@x", "a=b"], "score": [-1.0, 2.0, 0.5]})
    write_csv(tmp_path / "scores.csv", table, defuse=True)
    found = (tmp_path / "scores.csv").read_text()
    assert found == "path,score\n'=1+1,-1.0\n'@x,2.0\na=b,0.5\n"


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs root, to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_an_array_that_a_disk_cannot_hold_is_an_error_at_once(small_disk):
    """A full disk must raise where the array is made, and not kill the process at a later write."""
    with pytest.raises(OSError) as raised, atomic_path(small_disk / "features.npy") as temporary:
        create_array(temporary, (4, 2**20))
    assert raised.value.errno == errno.ENOSPC
    assert list(small_disk.iterdir()) == []
    with atomic_path(small_disk / "features.npy") as temporary:
        create_array(temporary, (1, 2**20))[:] = 1.0
    assert np.load(small_disk / "features.npy").sum() == 2**20


def test_a_full_disk_is_one_line(small_disk, dataset, capsys):
    """Training into a small volume must end with a line, and leave no half file."""
    run_dir = small_disk / "run"
    flags = ("--method=mahalanobis", f"--data_dir={dataset}", f"--run_dir={run_dir}")
    (small_disk / "full").write_bytes(bytes(8 * 2**20 - 2**16))
    assert exit_of(train.main, *flags) == 1
    (line,) = (x for x in capsys.readouterr().err.splitlines() if x.startswith("error:"))
    assert "space" in line
    assert "defect" not in line
    assert not [path for path in run_dir.rglob("*") if is_leftover(path.name)]


def test_a_run_goes_into_an_empty_volume(small_disk, dataset):
    """The folder of a run may be a mounted volume, as in a container."""
    flags = ("--method=loudness", f"--data_dir={dataset}", f"--run_dir={small_disk}")
    assert exit_of(train.main, *flags) == 0
    assert exit_of(train.main, *flags, "--overwrite") == 0
    assert (small_disk / "detector" / "detector.json").exists()


def test_the_temporary_name_keeps_the_suffix(tmp_path):
    """Writers that choose their format by the suffix must choose the right one."""
    with atomic_path(tmp_path / "final.weights.h5") as temporary:
        assert temporary.name.endswith(".weights.h5")
        temporary.write_text("")


def test_json_refuses_nan(tmp_path):
    """A NaN in a metrics file would be read by nothing else."""
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"score": float("nan")})
    assert list(tmp_path.iterdir()) == []
    write_json(tmp_path / "x.json", {"score": None, "µ": "é"})
    assert read_json(tmp_path / "x.json") == {"score": None, "µ": "é"}
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["score"] is None


def test_sha256_is_that_of_the_content(tmp_path):
    write_text(tmp_path / "abc", "abc")
    assert sha256_of(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")
