"""Draws how the packages import each other, from the imports themselves.

    python docs/draw_architecture.py            writes docs/images/architecture.svg
    python docs/draw_architecture.py --check    fails when that picture is out of date

The rows are the layers of the first import contract in pyproject.toml. An arrow means "imports"; an
arrow that follows from others is left out (if a imports b and b imports c, a may import c). The
lowest row may be imported from everywhere and gets no arrows.
"""

import argparse
import itertools
import math
import sys
import tomllib
from collections.abc import Mapping
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
PACKAGE = "asd_tf"
GROUND = ("arguments", "compat", "config", "errors", "files", "old_keys", "progress", "seeds")

WHAT = {
    "cli": "flags in, messages out",
    "api": "train, evaluate, load",
    "service": "a detector at work",
    "experiment": "clips to detector to result",
    "methods": "one file a paper",
    "evaluation": "metrics, report",
    "run": "a run folder, its stages",
    "detector": "load, score, decide",
    "extraction": "clips to features",
    "scoring": "features to scores",
    "checkpoints": "published weights",
    "models": "networks",
    "data": "recordings to clips, batches",
    "backends": "scikit-learn estimators",
    "training": "fit in stages, resume",
    "frontends": "waveform to features",
    "augmentation": "mixup, masks, noise",
    "losses": "one loss a file",
}

BOX_WIDTH, BOX_HEIGHT, ROW_HEIGHT, GAP, LANE = 176, 44, 78, 24, 18
MARGIN = 20

Edges = set[tuple[str, str]]


def layers() -> list[list[str]]:
    """Returns the packages of each layer, the highest first, as the import contract lists them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (contract,) = [contract for contract in contracts if contract["type"] == "layers"]
    return [
        [name.strip(" ()") for name in layer.replace(":", "|").split("|")]
        for layer in contract["layers"]
    ]


def package_imports() -> tuple[set[str], Edges]:
    """Returns the packages that exist, and which of them imports which."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))  # this checkout, and not another that is installed
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    edges = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            edge = _package_of(module), _package_of(imported)
            if "" not in edge and edge[0] != edge[1]:
                edges.add(edge)
    return {_package_of(module) for module in graph.modules} - {""}, edges


def _package_of(module: str) -> str:
    return f"{module}.".split(".")[1]


def without_implied(edges: Edges) -> Edges:
    """Leaves out each edge whose ends are also joined by a longer way.

    Args:
        edges: The edges of a graph without circles.
    """
    return {(a, b) for a, b in edges if not _is_reachable(edges - {(a, b)}, a, b)}


def _is_reachable(edges: Edges, start: str, end: str) -> bool:
    seen, ahead = set(), [start]
    while ahead:
        name = ahead.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            ahead += [b for a, b in sorted(edges) if a == name]
    return False


def route(rows: list[list[str]], edges: Edges) -> list[list[str]]:
    """Puts a lane into each row that an edge crosses, in place, and returns each edge's stops."""
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    routes = []
    for a, b in sorted(edges):
        lanes = [f"{a} {b} {number}" for number in range(row_of[a] + 1, row_of[b])]
        for number, lane in enumerate(lanes, row_of[a] + 1):
            rows[number].append(lane)
        routes.append([a, *lanes, b])
    return routes


def place(rows: list[list[str]], routes: list[list[str]], sweeps: int = 40) -> dict[str, float]:
    """Finds where in its row each box and lane stands: near what it is joined to.

    Args:
        rows: Names of the boxes and lanes of each row.
        routes: The stops of each edge.
        sweeps: How often all rows are placed anew.

    Returns:
        The horizontal center of each name, in pixels.
    """
    joined: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for stops in routes:
        for a, b in itertools.pairwise(stops):
            joined[a].append(b)
            joined[b].append(a)
    x = {name: 100.0 * position for row in rows for position, name in enumerate(row)}
    for sweep in range(sweeps):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            # `sum` rounds floats in another way from Python 3.12 on, and the picture must not.
            wanted = {
                name: math.fsum(x[other] for other in joined[name]) / len(joined[name])
                if joined[name]
                else x[name]
                for name in row
            }
            x.update(_spread(sorted(row, key=lambda name: (wanted[name], name)), wanted))
    return x


def _spread(row: list[str], wanted: dict[str, float]) -> dict[str, float]:
    """Moves the items of a row apart where they overlap, as little as is needed on the whole."""
    x: dict[str, float] = {}
    for left, name in zip([None, *row], row, strict=False):
        least = -1e9 if left is None else x[left] + (_width(left) + _width(name)) / 2 + GAP
        x[name] = max(wanted[name], least)
    shift = math.fsum(wanted[name] - x[name] for name in row) / len(row)
    return {name: x[name] + shift for name in row}


def _width(name: str) -> int:
    return LANE if " " in name else BOX_WIDTH


def draw() -> str:
    """Returns the picture as SVG."""
    packages, edges = package_imports()
    edges = without_implied({edge for edge in edges if not set(edge) & set(GROUND)})
    rows = [[name for name in layer if name in packages - set(GROUND)] for layer in layers()]
    rows = [row for row in rows if row]
    ground = ", ".join(name for name in GROUND if name in packages)
    boxes = [list(row) for row in rows]
    routes = route(rows, edges)
    x = place(rows, routes)
    shift = MARGIN - min(x[name] - _width(name) / 2 for name in x)
    x = {name: center + shift for name, center in x.items()}
    y = {name: MARGIN + number * ROW_HEIGHT for number, row in enumerate(rows) for name in row}
    width = round(max(x[name] + _width(name) / 2 for name in x) + MARGIN)
    bottom = MARGIN + len(rows) * ROW_HEIGHT
    height = bottom + BOX_HEIGHT + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" text-anchor="middle">',
        "<title>How the packages of asd_tf import each other</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#56606b"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *[_arrow(stops, x, y) for stops in routes],
        *[_box(name, WHAT.get(name, ""), x[name], y[name]) for row in boxes for name in row],
        _box(ground, "for every package", width / 2, bottom, width - 2 * MARGIN),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(name: str, what: str, x: float, y: float, width: float = BOX_WIDTH) -> str:
    fill = "#e8f0fa" if width == BOX_WIDTH else "#f0f0ec"
    return (
        f'<rect x="{x - width / 2:.0f}" y="{y}" width="{width:.0f}" height="{BOX_HEIGHT}" rx="5" '
        f'fill="{fill}" stroke="#56606b"/>'
        f'<text x="{x:.0f}" y="{y + 19}" font-size="15" font-weight="bold">{escape(name)}</text>'
        f'<text x="{x:.0f}" y="{y + 36}" font-size="12" fill="#3c444d">{escape(what)}</text>'
    )


def _arrow(stops: list[str], x: Mapping[str, float], y: Mapping[str, float]) -> str:
    """Draws an edge: a curve from row to row, and straight down where it passes through one."""
    path = f"M{x[stops[0]]:.0f} {y[stops[0]] + BOX_HEIGHT}"
    for a, b in itertools.pairwise(stops):
        top, end = y[a] + BOX_HEIGHT, y[b]
        middle = (top + end) / 2
        path += f"C{x[a]:.0f} {middle:.0f} {x[b]:.0f} {middle:.0f} {x[b]:.0f} {end}"
        if b != stops[-1]:
            path += f"V{end + BOX_HEIGHT}"
    return f'<path d="{path}" fill="none" stroke="#56606b" marker-end="url(#tip)"/>'


def main() -> int:
    """Writes or checks the picture; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    parser.add_argument("--output", type=Path, default=PICTURE, help="where the picture stands")
    flags = parser.parse_args()
    picture = draw()
    if not flags.check:
        flags.output.write_text(picture, encoding="utf-8")
        return 0
    if flags.output.is_file() and flags.output.read_text(encoding="utf-8") == picture:
        return 0
    print(
        f"{flags.output}: out of date; run python docs/draw_architecture.py and commit the picture",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
