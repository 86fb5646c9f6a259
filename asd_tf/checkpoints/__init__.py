"""Published weights of pre-trained encoders: reading, checking and assigning them."""
