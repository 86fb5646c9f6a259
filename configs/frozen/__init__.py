"""Recipes of `--method=frozen`."""
