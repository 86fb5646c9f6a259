"""HTML that is escaped by default: only what `element` made goes into a page as it is."""

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
    """Text that is HTML already. Names of files and machines never become this."""

    __slots__ = ()


def escape(value: Any) -> Markup:
    """Returns a value as text or value of an attribute; a `Markup` as it is."""
    if isinstance(value, Markup):
        return value
    # A file name that is not UTF-8 has surrogates, which no encoding of a page can hold.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return Markup(html.escape(text, quote=True))


def join(*children: Any) -> Markup:
    """Returns children one after another, all that are no `Markup` escaped; None is nothing."""
    return Markup("".join(escape(child) for child in children if child is not None))


def element(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """Returns an element of HTML or SVG.

    Args:
        name: Its tag.
        *children: Markup, text that will be escaped, or None for nothing.
        **attributes: With `_` for `-`, and `class_` for `class`; None and False leave an attribute
            out, True gives it without a value.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(key if value is True else f'{key}="{escape(value)}"')
    start = f"<{' '.join(parts)}>"
    return Markup(start if name in _VOID else f"{start}{join(*children)}</{name}>")


def breakable(name: str) -> Markup:
    """Returns a name that may go on in the next line after `_`, `/`, `-` and `.`."""
    pieces = re.split(r"(?<=[_/.-])", name)
    return Markup(element("wbr").join(escape(piece) for piece in pieces))


def data_block(name: str, value: Any) -> Markup:
    """Returns JSON that scripts of the page read and nothing runs.

    Raises:
        ValueError: If `value` holds NaN or infinity, which JSON has not.
    """
    # A block ends at the first "</script", wherever that stands, so that no "<" may stay.
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return element("script", Markup(text), type="application/json", id=name)


def data_uri(kind: str, content: bytes) -> str:
    """Returns content as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def source_hash(text: str) -> str:
    """Returns the source expression by which a policy allows one inline script or style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def is_missing(value: Any) -> bool:
    """Tells whether a value is None, NaN or missing."""
    return value is None or bool(pd.isna(value))


def percent(value: float | None, digits: int = 2) -> str:
    """Formats a share as the field prints it, in percent without the sign."""
    return "-" if is_missing(value) else f"{100 * value:.{digits}f}"


def number(value: float | None) -> str:
    """Formats a score in four digits."""
    return "-" if is_missing(value) or not np.isfinite(value) else f"{value:.4g}"


def count(many: int, one: str, plural: str | None = None) -> str:
    """Formats a number of things, such as `1 clip` or `1,200 clips`."""
    return f"{many:,} {one if many == 1 else plural or one + 's'}"
