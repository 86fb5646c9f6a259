"""What a detector keeps of recordings, so that it can be fitted again without them."""
