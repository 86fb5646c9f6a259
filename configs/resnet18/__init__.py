"""Recipes of `--method=resnet18`."""
