"""Recipes of `--method=ensemble`."""

# From the layout to the default recipe. Parts of the published sizes would take hours.
DEFAULTS = {"else": "quick"}
