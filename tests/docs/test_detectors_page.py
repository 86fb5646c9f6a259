"""The commands of the page on detectors must do what the page says."""

import json

import pytest
from pages import DOCS, run_blocks, succeed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def printed(folder):
    """What each block printed."""
    blocks = run_blocks("detectors.md", folder)
    succeed(blocks)
    return [block.stdout for block in blocks]


@pytest.mark.slow
def test_the_card_and_the_evaluation_are_written(folder, printed):
    assert "frames         64 ms every 32 ms" in printed[0]
    assert "# Detector of anomalous sounds: fan" in (folder / "README.md").read_text()
    assert (folder / "evaluation" / "report.html").exists()
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert metrics == json.loads((folder / "fan" / "evaluation" / "metrics.json").read_text())


@pytest.mark.slow
def test_drift_is_found_where_it_is(folder, printed):
    assert printed[3].startswith("fan 00: as in training\n")
    [found] = json.loads((folder / "drift.json").read_text())["groups"]
    assert {"scores", "order"} <= set(found["reasons"])
    assert printed[4].startswith(f"fan 00: {found['verdict']}\n")
    names = sorted(path.name for path in (folder / "recent" / "fan" / "test").iterdir())
    assert 10 <= names.index(found["since"].split("/")[-1]) <= 15


@pytest.mark.slow
def test_versions_are_written_beside_the_detector(folder, printed):
    """Thresholds return, recordings join and leave, and the page quotes what is printed."""
    thresholds = [json.loads((folder / name / "detector.json").read_text())["groups"] for name in (
        "fan/detector", "as_trained")]  # fmt: skip
    assert thresholds[0] == thresholds[1]
    assert "add: added fan 00: 21 recordings" in printed[6]
    assert "82 of 82 normal windows" in printed[6]
    assert "remove: removed fan 00: 2 recordings" in printed[7]
    [line] = [line for line in printed[8].splitlines() if line.startswith("confirmed anomalies")]
    assert f"    {line}\n" in (DOCS / "detectors.md").read_text()
