"""Published weights of pre-trained encoders: reading them, checking them, putting them in place."""
