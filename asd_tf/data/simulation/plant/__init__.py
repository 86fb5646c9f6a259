"""A plant: machines as forces on modal bodies, heard through rooms, with a factory around them."""
