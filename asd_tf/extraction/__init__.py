"""From clips to features: SavedModels, and the store that keeps what they computed."""
