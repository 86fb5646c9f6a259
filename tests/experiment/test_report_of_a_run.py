"""The report of a run on simulated machines."""

import json

import pytest
from browser import open_browser, wait_for
from harness import exit_of

from asd_tf.cli import data, evaluate, train


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run on simulated machines, evaluated with a map by t-SNE."""
    folder = tmp_path_factory.mktemp("simulated")
    assert exit_of(
        data.main, "simulate", f"--output_dir={folder / 'data'}", "--machines=fan,valve",
        "--seconds=1", "--train_source=12", "--train_target=3", "--test_normal=6",
        "--test_anomaly=6",
    ) == 0  # fmt: skip
    flags = (f"--data_dir={folder / 'data'}", f"--run_dir={folder / 'run'}")
    assert exit_of(train.main, "--method=mahalanobis", *flags) == 0
    assert exit_of(evaluate.main, f"--run_dir={folder / 'run'}", "--tsne") == 0
    return folder / "run"


def test_the_report_of_a_simulated_run_opens(run_dir, tmp_path):
    """It must show the score of the run, draw the map, and play its worst clips."""
    metrics = json.loads((run_dir / "evaluation" / "metrics.json").read_text())
    with open_browser(tmp_path) as driver:
        driver.get((run_dir / "evaluation" / "report.html").as_uri())
        assert "mahalanobis" in driver.title
        figure = driver.find_element("css selector", "#result .figure").text
        assert float(figure.split()[0]) == pytest.approx(100 * metrics["official_score"], abs=0.01)
        assert len(driver.find_elements("css selector", "article")) >= 4
        painted = (
            "[...document.querySelector('canvas').getContext('2d')"
            ".getImageData(0, 0, 300, 150).data].some(value => value > 0)"
        )
        wait_for(driver, painted)
        players = driver.find_elements("css selector", "audio")
        assert len(players) == 20
        driver.execute_script("arguments[0].play()", players[0])
        wait_for(driver, "arguments[0].currentTime > 0.1", players[0])
        assert driver.get_log("browser") == []
