"""The sealed document of a detector: what stands in it, its digest and its signature."""
