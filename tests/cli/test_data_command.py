"""Each command of asd-data must do what its help states, or fail with one line."""

import io
import zipfile

import pytest
from harness import exit_of, write_dataset
from servers import Server

from asd_tf.cli import data

DEV = 7882613


def run(capsys, *arguments):
    """Runs a command; returns its status, its output, and its error lines without bars."""
    status = exit_of(data.main, *arguments)
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in captured.err
    return status, captured.out + captured.err, errors


@pytest.fixture
def server(tmp_path):
    """The development record of 2023 with a small fan in it."""
    folder = write_dataset(tmp_path / "made", machines=("fan",), sections=("00",))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in (folder / "dev_data").rglob("*.wav"):
            file.write(path, path.relative_to(folder / "dev_data").as_posix())
    with Server() as server:
        server.add_record(DEV, {"dev_fan.zip": buffer.getvalue()})
        yield server


def flags_for(server, folder):
    return (
        "download", "dcase2023", "--subset=dev", "--machines=fan", f"--output_dir={folder}",
        f"--server={server.url}/", "--timeout=0.5", "--attempts=2",
    )  # fmt: skip


def test_download_then_check(capsys, server, tmp_path):
    """The readers must find what was fetched."""
    folder = tmp_path / "data"
    status, printed, errors = run(capsys, *flags_for(server, folder))
    assert (status, errors) == (0, [])
    assert "archives to fetch: 1, " in printed
    assert f"asd-data check {folder}" in printed
    status, printed, errors = run(
        capsys, "check", folder, "--dataset=dcase2022", "--subset=dev", "--machines=fan"
    )
    assert (status, errors) == (1, [])
    assert "fan      00             6             2" in " ".join(printed.splitlines())
    assert "  dev fan 00: 6 of 990 train source clips" in printed


def test_a_hostile_server_is_one_line_and_leaves_nothing(capsys, server, tmp_path):
    server.files[f"/records/{DEV}/files/dev_fan.zip"] = b"x" * 100
    folder = tmp_path / "data"
    status, _, errors = run(capsys, *flags_for(server, folder))
    assert status == 1
    assert len(errors) == 1
    assert "announces 100 bytes" in errors[0]
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_check_of_good_data(capsys, dataset):
    status, printed, errors = run(capsys, "check", dataset, "--machines=fan,valve")
    assert errors == []
    assert f"{dataset}: layout dcase2022" in printed
    assert status == 1
    assert "missing: " in printed


def test_list_names_every_edition(capsys):
    status, printed, errors = run(capsys, "list")
    assert (status, errors) == (0, [])
    for name in ("dcase2020", "dcase2026", "zenodo.org/records/6586456", "Kota-Dohi", "bandsaw"):
        assert name in printed


@pytest.mark.parametrize("command", ["list", "download", "check", "simulate"])
def test_help_shows_the_flags_of_one_command(capsys, command):
    status, printed, _ = run(capsys, command, "--help")
    assert status == 0
    assert f"asd-data {command}" in printed
    assert ("--snr_db" in printed) == (command == "simulate")
    assert ("--server" in printed) == (command == "download")
    assert ("--subset" in printed) == (command in ("download", "check"))


def test_help_without_a_command_names_them(capsys):
    status, printed, _ = run(capsys, "--help")
    assert status == 0
    for command in data.COMMANDS:
        assert f"asd-data {command}" in printed
    assert "--snr_db" not in printed


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((), 2, "name a command: list, download, check, simulate"),
        (("downlaod", "dcase2022", "--subset=dev"), 2, "did you mean 'download'"),
        (("list", "dcase2022"), 2, "'dcase2022' is not a flag"),
        (("download",), 2, "name one edition: dcase2020"),
        (("download", "dcase2019", "--output_dir=x"), 2, "unknown edition 'dcase2019'"),
        (("download", "dcase2022"), 2, "--output_dir is missing"),
        (("download", "dcase2022", "--output_dir=x", "--server=zenodo.org"), 2, "must begin with"),
        (("download", "dcase2022", "--output_dir=x", "--subset=test"), 2, "subset"),
        (("download", "dcase2022", "--output_dir=x", "--machines=fun"), 2, "unknown machine 'fun'"),
        (("download", "dcase2022", "--output_dir=x", "--snr_db=3"), 2, "snr_db"),
        (("check",), 2, "name one data folder"),
        (("check", "nowhere"), 1, "nowhere: there is no such folder"),
        (("check", ".", "--dataset=dcase1999"), 2, "dcase1999"),
    ],
)
def test_a_wrong_command_is_one_line(capsys, tmp_path, monkeypatch, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    found, _, errors = run(capsys, *arguments)
    assert found == status
    assert len(errors) == 1
    assert message in errors[0]
    assert list(tmp_path.iterdir()) == []
