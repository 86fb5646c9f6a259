"""Recipes of `--method=kuroyanagi_bc`."""
