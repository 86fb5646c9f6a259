"""Whether the domain of a test clip reaches its score: only where the data state it."""

import numpy as np
import pandas as pd
import pytest
from harness import exit_of, write_dataset

from asd_tf.cli import train


@pytest.fixture(scope="module")
def dcase(tmp_path_factory):
    """Clips in the layout of 2022, whose names reveal the domain also of test clips."""
    return write_dataset(tmp_path_factory.mktemp("dcase"), machines=("fan",), source=12, target=4)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """A recipe with a backend for each domain."""
    path = tmp_path_factory.mktemp("recipe") / "by_domain.py"
    path.write_text(
        "from asd_tf.configs.mahalanobis import quick\n"
        "def get_config():\n"
        "    config = quick.get_config()\n"
        "    config.backend.combine = 'known'\n"
        "    config.calibration.domains = 'pooled'\n"
        "    member = {'estimator': 'NearestCosine'}\n"
        "    config.backend.members = {\n"
        "        domain: {**member, 'domain': domain} for domain in ('source', 'target')}\n"
        "    return config\n"
    )
    return path


def scores(recipe, data, run_dir, *flags):
    status = exit_of(
        train.main, "--method=mahalanobis", f"--recipe={recipe}", f"--data_dir={data}",
        f"--run_dir={run_dir}", *flags,
    )  # fmt: skip
    assert status == 0
    table = pd.read_csv(run_dir / "evaluation" / "scores.csv", dtype={"section": str})
    return table.assign(name=table["path"].str.rpartition("/")[2]).set_index("name")["score"]


@pytest.fixture(scope="module")
def blind(recipe, dcase, tmp_path_factory):
    return scores(recipe, dcase, tmp_path_factory.mktemp("blind") / "run")


def test_domains_in_names_of_2022_do_not_change_scores(blind, recipe, dcase, tmp_path, capsys):
    """The edition does not state domains: a clip must have one score under either name."""
    swap = {"source": "target", "target": "source"}
    for path in (dcase / "dev_data" / "fan" / "test").iterdir():
        words = path.name.split("_")
        words[2] = swap[words[2]]
        renamed = tmp_path / "data" / "dev_data" / "fan" / "test" / "_".join(words)
        renamed.parent.mkdir(parents=True, exist_ok=True)
        renamed.symlink_to(path)
    (renamed.parent.parent / "train").symlink_to(dcase / "dev_data" / "fan" / "train")
    found = scores(recipe, tmp_path / "data", tmp_path / "run")
    found.index = ["_".join([*n[:2], swap[n[2]], *n[3:]]) for n in found.index.str.split("_")]
    np.testing.assert_array_equal(found[blind.index], blind)
    assert "scored without their domain" in capsys.readouterr().err


def test_an_option_uses_the_domains_that_names_reveal(blind, recipe, dcase, tmp_path):
    found = scores(recipe, dcase, tmp_path / "run", "--set=recording.domain=known")
    assert (found[blind.index] != blind).any()


def test_domains_that_the_user_states_are_used(blind, recipe, dcase, tmp_path):
    """In a table of one's own, the column `domain` says what is known when a clip is scored."""
    rows = [
        (path, "fan", path.name.split("_")[1], path.name.split("_")[2], path.parent.name,
         "" if "train" in path.name else path.name.split("_")[4])
        for path in sorted((dcase / "dev_data").rglob("*.wav"))
    ]  # fmt: skip
    columns = ["path", "machine", "section", "domain", "split", "label"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "clips.csv", index=False)
    stated = scores(recipe, tmp_path / "clips.csv", tmp_path / "stated")
    known = scores(recipe, dcase, tmp_path / "known", "--set=recording.domain=known")
    np.testing.assert_allclose(stated[known.index], known)
    hidden = scores(
        recipe, tmp_path / "clips.csv", tmp_path / "hidden", "--set=recording.domain=blind"
    )
    np.testing.assert_allclose(hidden[blind.index], blind)
