"""`asd-detector` must show, verify and sign a detector, and say in one line what is wrong."""

import shutil

import pytest
from harness import exit_of
from released import write_scored_clips
from sealed import detector_of_format, reseal

from asd_tf.cli import detector as command
from asd_tf.cli import score


@pytest.fixture
def detector(tmp_path):
    return detector_of_format(3, tmp_path)


@pytest.fixture
def key(tmp_path):
    (tmp_path / "key").write_bytes(bytes(range(32)))
    return tmp_path / "key"


def run(capsys, *arguments):
    """Returns exit status, standard output and standard error of a command."""
    status = exit_of(command.main, *arguments)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_info_says_what_a_detector_is(detector, capsys):
    """Method, format, machines and thresholds must be told, and whether there is a signature."""
    status, out, _ = run(capsys, "info", detector)
    assert status == 0
    words = dict(line.split(maxsplit=1) for line in out.splitlines() if "threshold" not in line)
    assert words["method"] == "mahalanobis"
    assert words["format"].startswith("3, written by asd_tf 0.2.0")
    assert words["clip"] == "0.5 s"
    assert words["signed"] == "no"
    assert "threshold      fan 00:" in out and "threshold      fan 01:" in out


def test_a_detector_is_signed_and_verified(detector, key, capsys):
    """What `sign` writes, `verify` and `info` must find; another key must be refused."""
    assert run(capsys, "verify", detector)[:2] == (
        0, f"{detector}: whole, 3 networks and backends loaded\n",
    )  # fmt: skip
    status, _, err = run(capsys, "verify", detector, f"--key={key}")
    assert (status, err) == (
        1, f"error: {detector}: is not signed, and a signature is required\n",
    )  # fmt: skip
    status, out, _ = run(capsys, "sign", detector, f"--key={key}")
    assert status == 0 and out.startswith(f"{detector}: signed, hmac-sha256, key ")
    assert run(capsys, "verify", detector, f"--key={key}")[0] == 0
    assert "signed         hmac-sha256, key " in run(capsys, "info", detector)[1]
    key.write_bytes(b"x" * 32)
    status, _, err = run(capsys, "verify", detector, f"--key={key}")
    assert status == 1 and "is signed with another key" in err


def test_verify_loads_all_of_a_detector(detector, capsys):
    """A backend that fits the checksums, but not the network, must be found."""
    graph = detector / "extractors" / "features" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:1000])
    reseal(detector)
    status, out, err = run(capsys, "verify", detector)
    assert (status, out) == (1, "") and "saved_model.pb is damaged" in err
    assert err.count("\n") == 1


def test_a_run_may_be_given(detector, tmp_path, capsys):
    """The folder of a run has its detector in it."""
    shutil.copytree(detector, tmp_path / "run" / "detector")
    assert run(capsys, "info", tmp_path / "run")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "name a command: add, card, drift, evaluate, feedback, info, remove, sign"),
        (["shine"], 2, "sign"),
        (["info"], 2, "name one detector"),
        (["info", "a", "b"], 2, "name one detector"),
        (["sign", "a"], 2, "--key is missing"),
        (["info", "missing"], 1, "no detector is there"),
        (["info", "a", "--key=b"], 2, "key"),
    ],
)
def test_wrong_commands_are_one_line(arguments, status, message, capsys):
    """A wrong command must be told in one line."""
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (status, "")
    assert message in err and err.startswith("error: ") and err.count("\n") == 1


def test_scoring_can_require_a_signature(detector, key, tmp_path, capsys):
    """A detector without the signature must not score, and one with it as without."""
    clips = write_scored_clips(tmp_path / "clips")[:2]
    assert exit_of(score.main, detector, *clips) == 0
    expected = capsys.readouterr().out
    assert exit_of(score.main, detector, *clips, f"--require_signature={key}") == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "is not signed" in printed.err
    assert run(capsys, "sign", detector, f"--key={key}")[0] == 0
    assert exit_of(score.main, detector, *clips, f"--require_signature={key}") == 0
    assert capsys.readouterr().out == expected
