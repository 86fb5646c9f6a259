"""The chapter of a report with the map of the embeddings, which map.js draws."""

from collections.abc import Iterable, Mapping
from typing import Any

from asd_tf.evaluation.report.html import Markup, chapter, element

_COLORINGS = ("machine", "domain", "label")


def map_chapter(data: Mapping[str, Any] | None) -> Markup | None:
    """Builds the controls, the canvas and its legend.

    Args:
        data: The result of `map_data`; None for no map.

    Returns:
        The chapter, or None without a map.
    """
    if data is None:
        return None
    views = data["views"]
    controls = [
        _choice("Machine", "machine", (view["machine"] for view in views)),
        _choice("Features", "extractor", (view["extractor"] for view in views)),
        _choice("Method", "method", (view["method"] for view in views)),
    ]
    chosen = "machine" if len(data["names"]["machine"]) > 1 else "label"
    text = "Each point is a clip, placed by the mean of its features. Clips with similar features"
    text += " lie close together."
    if data["sampled"]:
        text += f" Only {len(data['clips']['id']):,} clips, chosen at random, are drawn."
    if data["left_out"]:
        text += f" The features of {data['left_out']} more networks are left out."
    return chapter(
        "map",
        "Map of the embeddings",
        element("p", text, class_="note"),
        element("form", _colors(chosen), *controls, id="map-controls", autocomplete="off"),
        element(
            "div",
            element(
                "canvas",
                "The map needs a browser with canvas and scripts.",
                id="map-canvas",
                tabindex=0,
                role="img",
                aria_label="Map of the embeddings; the arrow keys move from clip to clip",
            ),
            element("div", id="map-tip", role="status"),
            class_="map",
        ),
        element("ul", id="map-legend", class_="legend"),
        element("p", id="map-note", class_="note"),
        element("noscript", element("p", "The map needs scripts.", class_="warning")),
    )


def _colors(chosen: str) -> Markup:
    buttons = [
        element(
            "label",
            element("input", type="radio", name="color", value=name, checked=name == chosen),
            f" {name}",
        )
        for name in _COLORINGS
    ]
    return element("fieldset", element("legend", "Color by"), *buttons)


def _choice(label: str, name: str, values: Iterable[str | None]) -> Markup | None:
    """Returns a list to choose from, or None if there are fewer than two values."""
    values = list(dict.fromkeys(values))
    if len(values) < 2:
        return None
    options = [
        element("option", "all machines" if value is None else value, value=value or "")
        for value in values
    ]
    return element("label", f"{label} ", element("select", *options, name=name))
