"""The system of Zheng et al., ICASSP 2025."""
