"""The folder of a run: its settings, its stages, its networks and its detector."""
