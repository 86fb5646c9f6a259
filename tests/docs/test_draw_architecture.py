"""The picture of the architecture must follow from the imports."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "draw_architecture.py"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawing():
    spec = importlib.util.spec_from_file_location("draw_architecture", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=60
    )


def test_the_committed_picture_is_up_to_date():
    """A reader must be able to trust the picture."""
    result = run("--check")
    assert result.returncode == 0, result.stderr


def test_an_old_picture_is_found(tmp_path):
    """The check must fail, name the file and say what to do."""
    path = tmp_path / "architecture.svg"
    assert run(f"--output={path}").returncode == 0
    assert run("--check", f"--output={path}").returncode == 0
    path.write_text(path.read_text().replace("detector", "detectors"))
    result = run("--check", f"--output={path}")
    assert result.returncode == 1
    assert str(path) in result.stderr
    assert "draw_architecture.py" in result.stderr
    assert run("--check", f"--output={tmp_path / 'missing.svg'}").returncode == 1


def test_every_package_has_a_box_and_boxes_do_not_overlap(drawing):
    """A package must be seen, with a word on what it does."""
    packages, _ = drawing.package_imports()
    page = ElementTree.fromstring(drawing.draw())
    texts = {text.text for text in page.iter(f"{SVG}text")}
    assert packages - set(drawing.GROUND) <= texts
    assert packages - set(drawing.GROUND) <= set(drawing.WHAT)
    _, *rectangles = page.iter(f"{SVG}rect")  # the first one is the background
    boxes = [[float(box.get(name)) for name in ("x", "y", "width", "height")] for box in rectangles]
    width, height = float(page.get("width")), float(page.get("height"))
    for number, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and x + w <= width and y + h <= height
        for x2, y2, w2, h2 in boxes[:number]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_arrows_lead_downwards(drawing):
    """The rows must be the layers: whoever imports stands higher."""
    row = {name: number for number, names in enumerate(drawing.layers()) for name in names}
    packages, edges = drawing.package_imports()
    assert packages <= set(row)
    assert edges
    assert all(row[a] < row[b] for a, b in edges)


def test_implied_arrows_are_left_out(drawing):
    """The picture must show no arrow that follows from others, and lose none that does not."""
    edges = {("a", "b"), ("b", "c"), ("c", "d"), ("a", "c"), ("a", "d"), ("e", "d")}
    assert drawing.without_implied(edges) == {("a", "b"), ("b", "c"), ("c", "d"), ("e", "d")}
