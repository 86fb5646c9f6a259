"""Recipes of `--method=wilkinghoff`."""
