"""Recipes of `--method=kuroyanagi_ae`."""
