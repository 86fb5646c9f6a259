"""Simulated machines, in families of different difficulty: data sets that need no download."""
