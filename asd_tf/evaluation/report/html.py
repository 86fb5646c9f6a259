"""HTML that is escaped by default: only `Markup` enters a page unescaped."""

import base64
import hashlib
import html
import json
import re
from typing import Any

import numpy as np
import pandas as pd

_VOID = {"img", "input", "wbr"}


class Markup(str):
    """Text that is HTML. Names of files and machines are never turned into it unescaped."""

    __slots__ = ()


def escape(value: Any) -> Markup:
    """Escapes a value for use as text or as an attribute's value; returns `Markup` unchanged."""
    if isinstance(value, Markup):
        return value
    # A file name that is not UTF-8 has surrogates, which cannot be encoded in a page.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return Markup(html.escape(text, quote=True))


def join(*children: Any) -> Markup:
    """Concatenates children: `Markup` unchanged, other values escaped, None left out."""
    return Markup("".join(escape(child) for child in children if child is not None))


def element(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """Returns an element of HTML or SVG.

    Args:
        name: The tag.
        *children: `Markup`, text that will be escaped, or None for nothing.
        **attributes: Attributes, with `_` for `-` and `class_` for `class`. None and False leave an
            attribute out, True writes it without a value.
    """
    start = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        start.append(key if value is True else f'{key}="{escape(value)}"')
    tag = f"<{' '.join(start)}>"
    return Markup(tag if name in _VOID else f"{tag}{join(*children)}</{name}>")


def chapter(name: str, title: str, *children: Any) -> Markup:
    """Returns a chapter of a report with its heading.

    Args:
        name: The id that links go to.
        title: The text of the heading.
        *children: What follows the heading; see `element`.
    """
    heading = element("h2", title, id=f"{name}-title")
    return element("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


def breakable(name: str) -> Markup:
    """Returns a name with line breaks allowed after `_`, `/`, `-` and `.`."""
    pieces = re.split(r"(?<=[_/.-])", name)
    return Markup(element("wbr").join(escape(piece) for piece in pieces))


def data_block(name: str, value: Any) -> Markup:
    """Returns a block of JSON for the scripts of the page, which browsers do not execute.

    Args:
        name: The id of the block.
        value: What to write as JSON.

    Raises:
        ValueError: If `value` contains NaN or infinity, which JSON lacks.
    """
    # A block ends at the first "</script", even inside a string, so that every "<" is escaped.
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return element("script", Markup(text), type="application/json", id=name)


def data_uri(media_type: str, content: bytes) -> str:
    """Returns a data URI with the content, of the given media type."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def source_hash(text: str) -> str:
    """Returns the source expression that allows an inline script or style in a security policy."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def is_missing(value: Any) -> bool:
    """Returns whether a value is None, NaN or NA."""
    return value is None or bool(pd.isna(value))


def percent(value: float | None, digits: int = 2) -> str:
    """Formats a share in percent, without the sign; `-` if it is missing."""
    return "-" if is_missing(value) else f"{100 * value:.{digits}f}"


def number(value: float | None) -> str:
    """Formats a score with four significant digits; `-` if it is missing."""
    return "-" if is_missing(value) or not np.isfinite(value) else f"{value:.4g}"


def count(amount: int, singular: str, plural: str | None = None) -> str:
    """Formats a number of things, such as `1 clip` or `1,200 clips`."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"
