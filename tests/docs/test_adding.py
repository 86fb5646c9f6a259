"""The example of docs/adding.md, added as a newcomer would: from nothing to a detector."""

import os
import re
import shutil
from pathlib import Path

import pandas as pd
from harness import run_python

import asd_tf

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"^`([\w./]+\.py)`(?:, [^\n]*)?(?:\n[^`\n][^\n]*)*?:\n\n```python\n(.*?)```",
    re.MULTILINE | re.DOTALL,
)


def code_of_the_page() -> dict[str, str]:
    """Returns the files of the page by name."""
    return dict(BLOCK.findall((ROOT / "docs" / "adding.md").read_text()))


def copy_with_example(folder: Path) -> None:
    """Writes a copy of the package in which the example has been added."""
    ignore = shutil.ignore_patterns("__pycache__", "configs")
    shutil.copytree(ROOT / "asd_tf", folder / "asd_tf", ignore=ignore)
    shutil.copytree(ROOT / "configs", folder / "asd_tf" / "configs", ignore=ignore)
    for name, code in code_of_the_page().items():
        path = folder / (name if name.startswith("asd_tf/") else f"asd_tf/{name}")
        if path.exists():  # the registration: a line of the table
            text = path.read_text()
            assert text.count('        "ae": "ae",\n') == 1
            path.write_text(text.replace('        "ae": "ae",\n', f'        "ae": "ae",\n{code}'))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)


def test_the_page_has_all_files_of_the_example():
    """A method must need no more than a module, its registration and its recipes."""
    assert sorted(code_of_the_page()) == [
        "asd_tf/methods/registry.py",
        "asd_tf/methods/statistics_arcface.py",
        "configs/statistics_arcface/__init__.py",
        "configs/statistics_arcface/paper.py",
        "configs/statistics_arcface/quick.py",
    ]


def test_the_example_trains_and_scores(dataset, tmp_path):
    """The files of the page alone must make a method that trains, evaluates and scores."""
    copy_with_example(tmp_path / "copy")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "copy")}
    train = "from asd_tf.cli.train import main; main()"
    flags = (
        "--method=statistics_arcface", "--recipe=quick", f"--data_dir={dataset}",
        f"--run_dir={tmp_path / 'run'}", "--set=train.epochs=2", "--set=train.batch_size=8",
    )  # fmt: skip
    trained = run_python("-c", train, *flags, cwd=tmp_path, env=env)
    assert trained.returncode == 0, trained.stderr
    assert "official score" in trained.stdout.lower()
    clips = pd.read_csv(tmp_path / "run" / "evaluation" / "scores.csv")
    assert clips["score"].notna().all()
    files = [str(path) for path in sorted((dataset / "dev_data").glob("*/test/*.wav"))[:3]]
    # A detector needs nothing of the method that made it.
    table = asd_tf.load_detector(tmp_path / "run").score(files)
    assert (table["status"] == "ok").all()
    wrong = run_python("-c", train, *flags, "--set=loss.margin=3", cwd=tmp_path, env=env)
    assert wrong.returncode == 2
    assert "loss.margin=3" in wrong.stderr
