"""Optimizers of the published systems, and what they share."""
