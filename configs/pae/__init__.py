"""Recipes of `--method=pae`."""
