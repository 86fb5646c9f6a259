"""A detector at work: scoring that goes on where it was stopped."""
