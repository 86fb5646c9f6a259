"""Recipes of `--method=idnn`."""
