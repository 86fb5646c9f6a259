"""The commands of the page on detectors must do what the page says."""

import json

import pytest
from pages import run_blocks, succeed


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
