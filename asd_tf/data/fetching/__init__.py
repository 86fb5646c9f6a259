"""Fetches the published data sets; interrupted downloads are resumed."""
