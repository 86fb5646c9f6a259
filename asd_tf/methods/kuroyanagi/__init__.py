"""The system of Kuroyanagi et al., DCASE 2021, and its two parts."""
