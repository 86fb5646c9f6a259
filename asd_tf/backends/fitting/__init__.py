"""How the members of a backend are fitted: counts, synthetic rows, and a cache of fits."""
