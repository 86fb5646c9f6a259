"""Runs the shell blocks of a page of the documentation."""

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

COMMANDS = {
    f"asd-{name}": name
    for name in ("convert", "data", "detector", "evaluate", "fuse", "score", "train")
}


def blocks_of(page: str) -> list[str]:
    """Returns the shell blocks of a page below `docs`."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def run_blocks(page: str, folder: Path, some: slice = slice(None)) -> list:
    """Runs shell blocks of a page in a folder, with the commands of this source tree.

    Args:
        page: Name of the page below `docs`.
        folder: Folder to run them in; blocks use what those before have left there.
        some: Which of the blocks.

    Returns:
        The process of each block.
    """
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for name, module in {"python": None, **COMMANDS}.items():
        call = f'-c "from asd_tf.cli.{module} import main; main()"' if module else ""
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {call} "$@"\n')
        (programs / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return [
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )
        for block in blocks_of(page)[some]
    ]  # fmt: skip


def succeed(blocks: list) -> list[str]:
    """Returns what each block wrote on the standard error; none may fail."""
    for process in blocks:
        assert process.returncode == 0, process.stderr
    return [process.stderr for process in blocks]
