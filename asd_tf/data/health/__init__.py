"""Whether the microphone is sound, and whether the machine runs: by numbers of each window."""
