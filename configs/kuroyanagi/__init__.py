"""Recipes of `--method=kuroyanagi`."""
