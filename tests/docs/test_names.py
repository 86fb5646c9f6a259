"""The files, flags and recipe keys that the documentation names exist."""

import functools
import itertools
import re
from pathlib import Path

import pytest
from absl import flags

from asd_tf.cli import convert, evaluate, fuse, score, train
from asd_tf.cli.data import COMMANDS
from asd_tf.cli.detector import COMMANDS as DETECTOR_COMMANDS
from asd_tf.config import flatten, load_recipe, method_names, recipe_names

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *GUIDES]

FILE = re.compile(r"\b(?:asd_tf|benchmarks|configs|docs|tests)/[\w/.-]+\.(?:py|md|png|svg|json)\b")
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")
FLAG = re.compile(r"(?<![\w-])--([a-z]\w+)")
SET = re.compile(r"--set[= ]([a-z][\w.]*)=")
QUOTED_KEY = re.compile(r"`([a-z_]+(?:\.\w+)+)`")

# Flags of the benchmarks, of docs/draw_architecture.py, pip, docker and other programs.
OTHER_FLAGS = {
    *("clips", "rounds", "only", "seeds", "check", "logdir", "help", "set", "cost", "seconds"),
    "windows",
    *("build", "constraint"),
}


def id_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def files_of_examples(text: str) -> set[str]:
    """Returns the files whose content a page shows, for readers to write themselves."""
    blocks = itertools.pairwise(text.split("\n\n"))
    named = (re.match(r"`([^`]+)`", before) for before, after in blocks if after.startswith("```"))
    return {match[1] for match in named if match}


def flags_of_commands() -> set[str]:
    definitions = [module.define_flags for module in (train, evaluate, score, fuse, convert)]
    names: set[str] = set()
    several = {**COMMANDS, **DETECTOR_COMMANDS}
    for define in [*definitions, *(define for define, _, _ in several.values())]:
        values = flags.FlagValues()
        define(values)
        names |= set(values)
    return names


@functools.cache
def keys_of_recipes() -> set[str]:
    return {
        key
        for method in method_names()
        for recipe in recipe_names(method)
        for key in flatten(load_recipe(method, recipe))
    }


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_files_that_a_page_names_exist(page):
    """A reader who follows a page must arrive: a file that is renamed is renamed there, too."""
    text = page.read_text(encoding="utf-8")
    names = set(FILE.findall(text)) - files_of_examples(text)
    missing = [name for name in sorted(names) if not (ROOT / name).exists()]
    assert [name for name in missing if not PLACEHOLDER.search(name)] == []


@pytest.mark.parametrize("page", GUIDES, ids=id_of)
def test_flags_that_a_page_names_exist(page):
    """A command must work as it is printed: a flag that is renamed is renamed there, too."""
    names = set(FLAG.findall(page.read_text(encoding="utf-8")))
    assert names - flags_of_commands() - OTHER_FLAGS == set()


@pytest.mark.parametrize("page", GUIDES, ids=id_of)
def test_recipe_keys_that_a_page_names_exist(page):
    """A value that a page explains must be found in a recipe, and `--set` must take it."""
    text, keys = page.read_text(encoding="utf-8"), keys_of_recipes()
    names = set(SET.findall(text))
    if page.parent.name == "methods":
        sections = {key.split(".")[0] for key in keys}
        names |= {name for name in QUOTED_KEY.findall(text) if name.split(".")[0] in sections}
    wrong = {name for name in names if not any(f"{key}.".startswith(f"{name}.") for key in keys)}
    assert wrong == set()
