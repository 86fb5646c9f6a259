"""An edition must be fetched, unpacked where readers look for it, and not be fetched twice."""

import json
import logging

import pytest
from data_helpers import zip_bytes
from servers import Server

from asd_tf.data.fetching import download
from asd_tf.data.fetching.download import Downloader, list_files
from asd_tf.data.fetching.transfer import Patience
from asd_tf.data.layouts.editions import EDITIONS
from asd_tf.errors import InputError, UsageError

EDITION = EDITIONS["dcase2023"]
DEV, TRAIN, TEST = 7882613, 7830345, 7860847
EVALUATOR = "/nttcslab/dcase2023_task2_evaluator/archive/HEAD.zip"


@pytest.fixture
def server():
    """All records of 2023, a clip in each archive, and the evaluator."""
    with Server() as server:
        dev = EDITION.machines["dev"]
        server.add_record(
            DEV,
            {
                f"dev_{machine}.zip": zip_bytes(
                    {f"{machine}/train/a.wav": machine.encode(), f"{machine}/test/b.wav": b"b"}
                )
                for machine in dev
            }
            | {"README.md": b"read me"},
        )
        for record, part in ((TRAIN, "train"), (TEST, "test")):
            server.add_record(
                record,
                {
                    f"eval_data_{machine}_{part}.zip": zip_bytes(
                        {f"{machine}/{part}/{part}.wav": b"c"}
                    )
                    for machine in EDITION.machines["eval"]
                },
            )
        server.files[EVALUATOR] = zip_bytes({"repo-main/ground_truth_data/a.csv": b"1,0\n"})
        yield server


@pytest.fixture
def downloader(server, tmp_path, caplog):
    caplog.set_level(logging.INFO, "asd_tf.data.fetching")

    def make(**changes):
        arguments = {
            "server": server.url,
            "github": server.url,
            "patience": Patience(timeout=0.5, attempts=2, pause=0.01),
        }
        return Downloader(EDITION, tmp_path / "data", **(arguments | changes))

    return make


def files_below(folder):
    """Returns the names of all files but the notes of unpacked archives."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in paths)
    return sorted(
        name for name in names if not name.startswith(".asd-data/7") or ".json" not in name
    )


def archives_asked_for(server):
    return [path for path, _ in server.requests if path.endswith(".zip") and "files" in path]


def test_everything_lands_where_readers_look(server, downloader, tmp_path, caplog):
    downloader().run()
    found = files_below(tmp_path / "data")
    expected = [f"dev_data/{machine}/{file}" for machine in EDITION.machines["dev"]
                for file in ("train/a.wav", "test/b.wav")]  # fmt: skip
    expected += [f"eval_data/{machine}/{part}/{part}.wav" for machine in EDITION.machines["eval"]
                 for part in ("train", "test")]  # fmt: skip
    assert found == sorted([*expected, "ground_truth/dcase2023_task2_evaluator.zip"])
    assert (tmp_path / "data/dev_data/fan/train/a.wav").read_bytes() == b"fan"
    fetching, labels = caplog.messages
    assert "archives to fetch: 21, " in fetching
    assert "ground_truth: the evaluation labels of https://github.com/nttcslab" in labels


def test_only_the_chosen_machines_are_fetched(server, downloader, tmp_path):
    downloader().run(("dev",), ["fan"])
    assert files_below(tmp_path / "data") == [
        "dev_data/fan/test/b.wav", "dev_data/fan/train/a.wav",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="did you mean 'valve'"):
        downloader().run(("dev",), ["valv"])


def test_what_is_there_is_not_fetched_again(server, downloader, tmp_path, caplog):
    downloader().run(("dev",))
    server.requests.clear()
    downloader().run(("dev",))
    assert archives_asked_for(server) == []
    assert caplog.messages[-1] == "7 of 7 archives are there already"
    (tmp_path / "data/dev_data/fan/test/b.wav").unlink()
    downloader().run(("dev",))
    assert archives_asked_for(server) == [f"/records/{DEV}/files/dev_fan.zip"]
    assert (tmp_path / "data/dev_data/fan/test/b.wav").exists()


def test_a_broken_download_goes_on(server, downloader, tmp_path):
    """Complete archives must not be fetched again, and the broken one must be continued."""
    broken = f"/records/{DEV}/files/dev_fan.zip"
    server.faults[broken] = [{"cut": 50}, {"cut": 0}]
    with pytest.raises(InputError, match=r"dev_fan.zip: the connection was cut"):
        downloader().run(("dev",), ["ToyCar", "fan", "valve"])
    assert files_below(tmp_path / "data") == [
        f".asd-data/{DEV}-dev_fan.zip.part",
        "dev_data/ToyCar/test/b.wav", "dev_data/ToyCar/train/a.wav",
    ]  # fmt: skip
    server.requests.clear()
    downloader().run(("dev",), ["ToyCar", "fan", "valve"])
    assert [request for request in server.requests if "files" in request[0]] == [
        (broken, "bytes=50-"),
        (f"/records/{DEV}/files/dev_valve.zip", None),
    ]
    assert (tmp_path / "data/dev_data/fan/train/a.wav").read_bytes() == b"fan"


@pytest.mark.parametrize(
    "entry", ["../../escaped.wav", "/tmp/asd_tf_escaped.wav", "fan/../../../escaped.wav"]
)
def test_a_hostile_archive_leaves_nothing(server, downloader, tmp_path, entry):
    server.add_record(DEV, {"dev_fan.zip": zip_bytes({"fan/train/a.wav": b"a", entry: b"b"})})
    with pytest.raises(InputError, match="would leave the folder"):
        downloader().run(("dev",), ["fan"])
    assert files_below(tmp_path) == []


def test_wrong_bytes_leave_nothing(server, downloader, tmp_path):
    server.files[f"/records/{DEV}/files/dev_fan.zip"] = zip_bytes(
        {"fan/train/a.wav": b"fun", "fan/test/b.wav": b"b"}
    )
    with pytest.raises(InputError, match="MD5"):
        downloader().run(("dev",), ["fan"])
    assert files_below(tmp_path) == []


def test_a_small_disk_stops_before_the_first_byte(server, downloader, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("asd_tf.data.archives.shutil.disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="GB are needed"):
        downloader().run()
    assert archives_asked_for(server) == []


def test_archives_are_kept_on_demand(server, downloader, tmp_path):
    downloader(keep_archives=True).run(("dev",), ["fan"])
    archive = f".asd-data/{DEV}-dev_fan.zip"
    assert archive in files_below(tmp_path / "data")
    (tmp_path / "data/dev_data/fan/test/b.wav").unlink()
    server.requests.clear()
    downloader().run(("dev",), ["fan"])
    assert archives_asked_for(server) == [], "the kept archive is unpacked again"
    assert (tmp_path / "data/dev_data/fan/test/b.wav").exists()


def test_a_later_revision_replaces_an_archive(server, downloader, tmp_path):
    """The newest revision must be fetched: archives of 2024 and 2026 were replaced by _r2."""
    old, new = (zip_bytes({"fan/train/a.wav": content}) for content in (b"old", b"new"))
    server.add_record(DEV, {"dev_fan_r2.zip": new, "dev_fan.zip": old})
    downloader().run(("dev",), ["fan"])
    assert (tmp_path / "data/dev_data/fan/train/a.wav").read_bytes() == b"new"
    assert archives_asked_for(server) == [f"/records/{DEV}/files/dev_fan_r2.zip"]


@pytest.mark.parametrize(
    "name",
    [
        "dev_data_fan.zip", "dev_fan.zip", "eval_data_train_fan.zip", "eval_data_fan_test.zip",
        "eval_data_fan_train_r2.zip",
    ],
)  # fmt: skip
def test_archive_names_of_all_years_are_parsed(name):
    match = download._ARCHIVE.fullmatch(name)
    assert match["machine"] == "fan"
    assert match["subset"] == name.partition("_")[0]
    assert (match["part"] or match["part_after"]) == (
        None if match["subset"] == "dev" else "train" if "train" in name else "test"
    )


def test_an_archive_that_the_record_lacks_is_named(server, downloader):
    server.add_record(DEV, {"dev_fan.zip": b""})
    with pytest.raises(InputError, match=f"{DEV}: has no archive of valve"):
        downloader().run(("dev",), ["fan", "valve"])


@pytest.mark.parametrize("content", [None, b"<html>", b""])
def test_missing_labels_do_not_stop_a_download(server, downloader, tmp_path, caplog, content):
    server.files[EVALUATOR] = content
    downloader().run()
    assert "no evaluation labels" in caplog.messages[-1]
    assert "github.com/nttcslab/dcase2023_task2_evaluator" in caplog.messages[-1]
    assert not list((tmp_path / "data").glob("ground_truth/*"))
    assert (tmp_path / "data/eval_data/bandsaw/test/test.wav").exists()


def test_the_labels_of_2020_are_a_list_in_a_record(server, tmp_path):
    edition = EDITIONS["dcase2020"]
    server.add_record(edition.label_record, {"eval_data_list.csv": b"fan\n"})
    for record in edition.records["eval"]:
        part = "train" if record == 3727685 else "test"
        server.add_record(
            record, {f"eval_data_{part}_fan.zip": zip_bytes({f"fan/{part}/{part}.wav": b"a"})}
        )
    Downloader(edition, tmp_path, server=server.url).run(("eval",), ["fan"])
    assert (tmp_path / "ground_truth/eval_data_list.csv").read_bytes() == b"fan\n"
    assert (tmp_path / "eval_data/fan/train/train.wav").exists()


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], {"files": [{}]}, {"files": 3},
        {"files": [{"key": "a.zip", "size": 3, "checksum": "sha1:00"}]},
        {"files": [{"key": "a.zip", "size": -3, "checksum": "md5:" + "0" * 32}]},
        {"files": [{"key": "../a.zip", "size": 3, "checksum": "md5:" + "0" * 32}]},
        {"files": [{"key": ".a.zip", "size": 3, "checksum": "md5:" + "0" * 32}]},
    ],
)  # fmt: skip
def test_an_answer_that_is_no_record_is_one_line(server, answer):
    server.files["/api/records/1"] = json.dumps(answer).encode()
    with pytest.raises(InputError, match="/api/records/1: "):
        list_files(1, server.url, Patience())
