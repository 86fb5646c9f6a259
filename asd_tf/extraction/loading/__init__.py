"""Loading of SavedModels whose origin is not trusted."""
