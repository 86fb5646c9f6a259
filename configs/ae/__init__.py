"""Recipes of `--method=ae`."""
