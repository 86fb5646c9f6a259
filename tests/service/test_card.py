"""`asd-detector card` and `info` must tell what a detector is, whatever kind it is."""

import re

import pytest
from harness import exit_of
from released import detector_of_0_1
from sealed import detector_of_format, reseal

from asd_tf.cli import detector as command
from asd_tf.cli import train
from asd_tf.detector import Detector
from asd_tf.detector.description import facts_of
from asd_tf.detector.fused import write_fused_detector
from asd_tf.scoring.fusion import Fusion
from asd_tf.service.card import card_of


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """A detector of this version."""
    run = tmp_path_factory.mktemp("card") / "run"
    flags = (f"--data_dir={dataset}", f"--run_dir={run}")
    assert exit_of(train.main, "--method=mahalanobis", *flags) == 0
    return run / "detector"


def rows_of(card, heading):
    """Returns the cells of the rows of the table below a heading."""
    table = card.split(f"## {heading}\n\n")[1].split("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_a_card_tells_all_of_a_single_detector(trained):
    """Facts, calibration clips by domain, thresholds, limits of the sensor and use."""
    detector = Detector.load(trained)
    card = card_of(detector)
    facts = dict(row[:2] for row in rows_of(card, "What it is"))
    assert (facts["method"], facts["sample rate"], facts["clip"]) == (
        "mahalanobis", "16000 Hz", "0.5 s",
    )  # fmt: skip
    assert facts["frames"] == "64 ms every 32 ms"
    assert facts["signed"] == "no"
    size = sum(path.stat().st_size for path in trained.rglob("*") if path.is_file())
    number, amount, unit = re.fullmatch(r"(\d+), ([\d.]+) (kB|MB)", facts["files"]).groups()
    assert int(number) == len([path for path in trained.rglob("*") if path.is_file()])
    assert float(amount) * {"kB": 1e3, "MB": 1e6}[unit] == pytest.approx(size, rel=0.01)
    rows = rows_of(card, "Data and thresholds")
    assert [row[:3] for row in rows] == [
        [machine, section, "6 source, 2 target"]
        for machine in ("fan", "valve") for section in ("00", "01")
    ]  # fmt: skip
    assert float(rows[0][3]) == pytest.approx(detector.thresholds["fan", "00"].value, rel=1e-5)
    assert "10 % of normal recordings" in rows[0][4]
    assert {tuple(row[2:]) for row in rows_of(card, "Sensor")} == {("yes", "no")}
    assert "## Parts" not in card


def test_the_python_of_a_card_works(trained, dataset):
    """Its lines must score the recordings that they name."""
    [*_, code] = re.findall(r"((?:^    .+\n)+)", card_of(Detector.load(trained)), re.MULTILINE)
    assert len(code.splitlines()) == 3
    clips = dataset / "dev_data" / "fan" / "test"
    code = code.replace("DETECTOR", str(trained)).replace("RECORDINGS", str(clips))
    found = {}
    exec("\n".join(line.strip() for line in code.splitlines()), found)
    assert found["table"]["status"].eq("ok").all()


def test_the_parts_of_parts_are_told(tmp_path):
    """A fused detector must name every single detector that it consists of, and its rule."""
    detector = Detector.load(detector_of_0_1("nested", tmp_path))
    rows = rows_of(card_of(detector), "Parts")
    assert [row[:2] for row in rows] == [
        ["fused: loudness", "loudness"], ["fused: cosine", "mahalanobis"],
        ["densities", "mahalanobis"],
    ]  # fmt: skip
    facts = facts_of(detector)
    assert facts["rule"] == "mean of standardized scores"
    assert "frames" not in facts  # those of 0.1 do not know them


def test_the_frames_of_all_parts_are_told(trained, tmp_path):
    """Where parts see a clip in other ways, each way must be told once."""
    other = detector_of_format(4, tmp_path)
    reseal(other, lambda manifest: manifest.update(frames=[{"length": 400, "step": 160}]))
    parts = {"a": trained, "b": trained}
    write_fused_detector(tmp_path / "one", parts, Fusion("rank", weights=(1, 2)))
    facts = facts_of(Detector.load(tmp_path / "one"))
    assert (facts["frames"], facts["rule"]) == ("64 ms every 32 ms", "rank, weights 1, 2")
    assert facts_of(Detector.load(other))["frames"] == "25 ms every 10 ms"


def test_the_weights_of_machines_are_told(trained, tmp_path):
    """Card and info must tell the weight of each part of each machine, and what it is from."""
    parts, machines = {"a": trained, "b": trained}, ("fan", "valve")
    fusion = Fusion("max", machine_weights={"fan": (1, 0.25), "valve": (0.5, 1)})
    aucs = {"fan": [0.9, 0.6], "valve": [None, 0.7]}
    write_fused_detector(tmp_path / "one", parts, fusion, more={"pseudo_fault_auc": aucs})
    detector = Detector.load(tmp_path / "one")
    assert facts_of(detector)["weights"] == "fan: a 1, b 0.25; valve: a 0.5, b 1"
    card = card_of(detector).split("## Parts")[1].split("## Data")[0]
    rows = [tuple(line.strip("| ").split(" | ")) for line in card.splitlines() if "| " in line]
    assert [row for row in rows if row[0] in machines] == [
        ("fan", "a", "1.000", "0.900"), ("fan", "b", "0.250", "0.600"),
        ("valve", "a", "0.500", "nan"), ("valve", "b", "1.000", "0.700"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="valve: has no weights"):
        own = Fusion("max", machine_weights={"fan": (1, 0.25)})
        write_fused_detector(tmp_path / "other", parts, own)
    for wrong in ({"fan": [1.5, 0.5]}, {"fan": "high"}, [0.5]):
        with pytest.raises(ValueError, match="pseudo_fault_auc"):
            write_fused_detector(tmp_path / "bad", parts, fusion, more={"pseudo_fault_auc": wrong})


def test_names_cannot_write_into_the_card(tmp_path):
    """A name from whoever made the detector must be shown as text: no HTML, table or code."""
    folder, name = detector_of_format(4, tmp_path), "<b>x|y`\n# z'"
    reseal(folder, lambda manifest: manifest.update(recipe=name))
    reseal(folder, lambda manifest: [of.update(machine=name) for of in manifest["groups"]])
    card = card_of(Detector.load(folder))
    assert "<b>" not in card and "\n# z" not in card and "x|y" not in card
    assert "--machine='MACHINE'" in card


def test_a_card_is_written_outside_of_the_detector(trained, tmp_path, capsys):
    """In the sealed folder it would be a foreign file, which is refused in one line."""
    assert exit_of(command.main, "card", trained.parent, f"--output={tmp_path / 'README.md'}") == 0
    written = (tmp_path / "README.md").read_text()
    capsys.readouterr()
    assert exit_of(command.main, "card", trained) == 0
    assert capsys.readouterr().out == written == card_of(Detector.load(trained))
    for output in (trained / "README.md", tmp_path):
        assert exit_of(command.main, "card", trained, f"--output={output}") == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not (trained / "README.md").exists()
