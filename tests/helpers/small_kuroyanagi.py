"""Overrides of the recipes of the Kuroyanagi system that make its networks tiny."""

SMALL = {
    "kuroyanagi_ae": (
        "frontend.n_mels=16",
        "network.blocks=1",
        "network.width=8",
        "network.heads=2",
        "network.kernel=3",
        "replicas.count=2",
    ),
    "kuroyanagi_bc": (
        "frontend.n_mels=32",
        "crop.frames=24",
        "network.width=4",
        "network.blocks=(1,)",
        "network.embedding=8",
    ),
}
SMALL["kuroyanagi"] = tuple(
    f"{part}.{assignment}" for part in ("ae", "bc") for assignment in SMALL[f"kuroyanagi_{part}"]
)
