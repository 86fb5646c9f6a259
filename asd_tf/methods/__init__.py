"""The published systems, one file or folder per paper; see `asd_tf.methods.registry.Method`."""
