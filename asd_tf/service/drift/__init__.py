"""Whether recent recordings still sound normal to a detector, and since when they do not."""
