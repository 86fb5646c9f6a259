"""Training of Keras models in stages that can be interrupted, resumed and repeated."""
