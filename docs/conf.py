"""How the documentation is built: `sphinx-build -W --keep-going docs docs/_build/html`."""

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from api_pages import write_api_pages  # noqa: E402

import asd_tf  # noqa: E402

project = "asd_tf"
author = "the authors of asd_tf"
version = release = asd_tf.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# Markdown: a link to a heading of a page, and formulas.
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]

# The API pages are made of the docstrings, where single backquotes are code, as in Markdown.
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    # Made by scikit-learn for every estimator, with links into its own documentation.
    "exclude-members": "set_fit_request",
}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
default_role = "code"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = f"asd_tf {release}"
html_theme_options = {"show_prev_next": False, "navigation_depth": 3, "show_nav_level": 1}
html_show_sourcelink = False
# Pages without pages below them have nothing to show in a sidebar.
html_sidebars = {
    page: [] for page in ("index", "data", "evaluation", "figures", "architecture", "adding")
}


# Text between backquotes, or what would be markup outside of it: a bar, an underscore at the end of
# a name such as n_, or the asterisks of **kwargs within a line. At the start of a line, where an
# argument is described, napoleon escapes them.
MARKUP = re.compile(r"`[^`]*`|\||(?<=\w)_(?!\w)|(?<=\S )\*\*(?=\w)")


def _escape(match: re.Match) -> str:
    return match[0] if match[0].startswith("`") else re.sub(".", r"\\\g<0>", match[0])


def plain_docstring(app, what, name, obj, options, lines):
    """Keeps bars, underscores and asterisks of docstrings as they are, and shows tables as text."""
    shown: list[str] = []
    for line in lines:
        is_row = line.startswith(("| ", "|-"))
        if is_row and not (shown and shown[-1].startswith("   |")):
            shown += ["::", ""]
        shown.append(f"   {line}" if is_row else MARKUP.sub(_escape, line))
    lines[:] = shown


def setup(app):
    """Writes the API pages before anything is read."""
    write_api_pages(asd_tf, DOCS / "api")
    # Before napoleon, whose priority is 500: that one writes markup of its own.
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)
