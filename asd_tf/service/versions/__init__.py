"""Later versions of a detector: other thresholds, more or fewer normal recordings, feedback."""
