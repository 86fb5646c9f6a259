"""Data: the clip table, its readers, decoding, downloads and simulated machines."""
