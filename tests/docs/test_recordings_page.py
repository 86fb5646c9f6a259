"""The commands of the page on recordings must do what the page says."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "recordings.md"
COMMANDS = {"asd-data": "data", "asd-train": "train", "asd-score": "score"}


def run_blocks(folder, text):
    """Runs the shell blocks of a page in a folder, with the commands of this source tree."""
    programs = folder / "programs"
    programs.mkdir()
    for name, module in {"python": None, **COMMANDS}.items():
        call = f'-c "from asd_tf.cli.{module} import main; main()"' if module else ""
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {call} "$@"\n')
        (programs / name).chmod(0o755)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return [
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )
        for block in blocks
    ]  # fmt: skip


def test_every_block_does_what_the_page_says(tmp_path):
    """Both lines of the training must be printed, and the fault be found where it is."""
    text = PAGE.read_text(encoding="utf-8")
    done = run_blocks(tmp_path, text)
    for process in done:
        assert process.returncode == 0, process.stderr
    for line in re.findall(r"^    ((?:train|test): .*)$", text, re.MULTILINE):
        assert line in done[1].stderr
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    decisions = {Path(r["path"]).stem: r["decision"] for r in rows if r["per"] == "recording"}
    assert decisions == {"tuesday": 0, "wednesday": 1}
    with (tmp_path / "windows.csv").open(newline="") as file:
        windows = [row for row in csv.DictReader(file) if "wednesday" in row["path"]]
    assert len(windows) == 30
    before = [float(row["score"]) for row in windows if float(row["end_s"]) <= 12]
    after = [float(row["score"]) for row in windows if float(row["start_s"]) >= 12]
    assert max(before) < max(after)
    assert sum(before) / len(before) < sum(after) / len(after)
