"""Pre-trained encoders, from waveform to tokens, as networks of Keras that fine-tuning can open."""
