"""Simulated machines: a small data set that needs no download."""
