"""Recipes of `--method=mobilenetv2`."""
