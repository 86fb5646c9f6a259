"""Whether recent recordings still are like those of training: tests of scores, features, levels."""
