"""From clips to a detector, and from a run to its evaluation."""
