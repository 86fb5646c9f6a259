"""Scores that need test clips or their labels: for evaluation only, never in a detector."""
