"""The Python API: what the commands do, as functions."""

import doctest
import json
import subprocess
import sys

import pytest

import asd_tf
from asd_tf import api
from asd_tf.errors import UsageError


def test_the_examples_of_the_page_run(dataset, tmp_path):
    """The doctest of `asd_tf.api` must be true."""
    files = [str(path) for path in sorted((dataset / "dev_data").glob("*/test/*.wav"))[:3]]
    names = {"folder": dataset, "run_dir": tmp_path / "run", "files": files}
    assert doctest.testmod(api, extraglobs=names, raise_on_error=False).failed == 0


@pytest.mark.slow
def test_a_run_of_several_seeds_is_a_fused_run(dataset, tmp_path):
    """Its single runs must be parts that extra scores can select from, as of any fused run."""
    flags = {"recipe": "quick", "data_dir": dataset, "values": {"data.seconds": 0.5}}
    result = asd_tf.train("mahalanobis", num_runs=2, run_dir=tmp_path / "run", **flags)
    assert len(result.singles) == 2
    first, whole = result.ensembles
    assert first.official == result.singles[0].official
    assert whole is result.evaluation
    runs = json.loads((tmp_path / "run" / "evaluation" / "runs.json").read_text())
    each = [first.official.score, whole.official.score]
    assert runs["ensembles"]["official_score"]["each"] == pytest.approx(each)
    assert isinstance(result.detector, asd_tf.Detector)
    extra = ["oracle_select_on_dev"]
    again = asd_tf.evaluate(tmp_path / "run", extra_scores=extra)
    metrics = json.loads((tmp_path / "run" / "evaluation" / "metrics.json").read_text())
    assert list(metrics["others"]) == ["0", "1", "oracle_select_on_dev"]
    assert again.evaluation.scored["score"].equals(result.evaluation.scored["score"])
    with pytest.raises(UsageError, match="oracle_best_parts averages three or more parts"):
        asd_tf.evaluate(tmp_path / "run", extra_scores=["oracle_best_parts"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frontend.n_mels": 0}, "frontend.n_mels=0: must be"),
        ({"frontend.n_mels": "many"}, "frontend.n_mels='many': is not of type int"),
        ({"frontend.nmels": 8}, "did you mean 'frontend.n_mels'"),
        (["frontend.n_mels=0"], "frontend.n_mels=0: must be"),
    ],
)
def test_wrong_values_are_errors_before_anything_is_written(dataset, tmp_path, values, message):
    """A value must be refused with key and range, as a mapping or as the command line has it."""
    with pytest.raises(UsageError, match=message):
        asd_tf.train("mahalanobis", data_dir=dataset, values=values, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_importing_the_package_imports_no_tensorflow():
    """`import asd_tf` and the help of a command must not wait for TensorFlow or pandas."""
    code = (
        "import sys, asd_tf, asd_tf.cli.train, asd_tf.cli.evaluate; "
        "print([m for m in ('tensorflow', 'pandas', 'sklearn') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert {"train", "evaluate", "load_detector", "Detector", "Result"} <= set(dir(asd_tf))
