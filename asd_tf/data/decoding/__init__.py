"""Decodes audio files to waveforms, and finds files that cannot be read."""
