"""Recipes of `--method=asai`."""
