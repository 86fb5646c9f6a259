"""Fitted backends on disk, and the names that files of earlier versions hold."""
