"""From features to anomaly scores, to thresholds, and to fused scores."""
