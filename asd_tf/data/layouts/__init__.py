"""Readers of the layouts of data, and the tables and labels that come with them."""
