"""Recipes of `--method=geco`."""

# From the layout to the default recipe. The published backend, one center for each machine id, is
# for data without domains.
DEFAULTS = {"dcase2020": "paper", "else": "shifted"}
