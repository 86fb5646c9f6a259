"""How a detector decides: calibration scores, thresholds and p-values, and other ones later."""
