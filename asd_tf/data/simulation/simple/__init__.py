"""Simple machines: short clips in which training shows within minutes."""
