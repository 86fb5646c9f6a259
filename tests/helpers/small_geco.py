"""Overrides of the recipes of GeCo and its baselines that make their networks tiny."""

SMALL = {
    "ae": ("network.hidden=8", "network.depth=1"),
    "geco": (
        "network.width=2",
        "crop.frames=10",
        "pae.network.encoder=8",
        "pae.network.decoder=8",
        "pae.network.heads=2",
        "pae.network.blocks=1",
        "pae.network.bottleneck=4",
    ),
    "idnn": (),
    "mobilenetv2": ("network.alpha=0.1", "crop.frames=32"),
    "pae": ("network.encoder=8", "network.decoder=8", "network.heads=2", "network.bottleneck=4"),
    "resnet18": ("network.width=2", "crop.frames=10"),
    "stgram": ("network.width=4", "network.embedding=8", "frontend.n_mels=16"),
}
