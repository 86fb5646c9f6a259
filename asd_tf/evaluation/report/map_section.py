"""The part of a report that shows where clips lie; map.js draws it."""

from collections.abc import Iterable, Mapping
from typing import Any

from asd_tf.evaluation.report.html import Markup, element

_COLOURS = ("machine", "domain", "label")


def map_section(data: Mapping[str, Any] | None) -> Markup | None:
    """Builds the controls, the canvas and its legend.

    Args:
        data: What `map_data` returned; None for no map.
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
    text = "Each point is a clip, placed by the mean of its features. Points that lie together"
    text += " sound alike to the network."
    if data["sampled"]:
        text += f" {len(data['clips']['id']):,} clips, chosen at random, are drawn."
    if data["left_out"]:
        text += f" The features of {data['left_out']} more networks are left out."
    return element(
        "section",
        element("h2", "Map of the embeddings", id="map-title"),
        element("p", text, class_="note"),
        element("form", _colours(chosen), *controls, id="map-controls", autocomplete="off"),
        element(
            "div",
            element(
                "canvas",
                "A browser with canvas and scripts draws the map.",
                id="map-canvas",
                tabindex=0,
                role="img",
                aria_label="Map of the embeddings; the arrow keys go from clip to clip",
            ),
            element("div", id="map-tip", role="status"),
            class_="map",
        ),
        element("ul", id="map-legend", class_="legend"),
        element("p", id="map-note", class_="note"),
        element("noscript", element("p", "The map needs scripts.", class_="warning")),
        id="map",
        aria_labelledby="map-title",
    )


def _colours(chosen: str) -> Markup:
    buttons = [
        element(
            "label",
            element("input", type="radio", name="colour", value=name, checked=name == chosen),
            f" {name}",
        )
        for name in _COLOURS
    ]
    return element("fieldset", element("legend", "Colour by"), *buttons)


def _choice(label: str, name: str, values: Iterable[str | None]) -> Markup | None:
    """Returns a list to choose a view by, or nothing where there is nothing to choose."""
    values = list(dict.fromkeys(values))
    if len(values) < 2:
        return None
    options = [
        element("option", "all machines" if value is None else value, value=value or "")
        for value in values
    ]
    return element("label", f"{label} ", element("select", *options, name=name))
