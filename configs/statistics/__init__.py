"""Recipes of `--method=statistics`."""
