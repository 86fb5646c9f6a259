"""Recipes of `--method=geco`."""
