"""Recipes of `--method=stgram`."""
