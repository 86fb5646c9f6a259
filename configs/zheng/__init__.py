"""Recipes of `--method=zheng`."""
