"""Packaging of asd_tf."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "asd_tf/__init__.py").read_text()).group(1)

# One release line of TensorFlow on which tensorflow-io and tensorflow-addons both run; it was built
# against numpy 1 and would be broken by numpy 2.
REQUIREMENTS = [
    "tensorflow==2.15.1",
    "keras==2.15.0",
    "tensorflow-io==0.36.0",
    "tensorflow-addons==0.23.0",
    "numpy>=1.26,<2",
    "scipy>=1.11",
    "scikit-learn>=1.6",
    "joblib>=1.3",
    "threadpoolctl>=3.1",
    "pandas>=2.2",
    "matplotlib>=3.8",
    "skops>=0.11",
    "safetensors>=0.4",
    "h5py>=3.8",
    "soundfile>=0.12",
    "ml_collections>=0.1.1",
    "absl-py>=2.0",
    "tqdm>=4.66",
]

# tensorflow-hub needs the Keras 2 of its own, and pkg_resources, which later setuptools dropped.
HUB = ["tensorflow-hub==0.16.1", "tf-keras==2.15.1", "setuptools<81"]

TEST = [*HUB, "pytest>=8", "pytest-xdist>=3.5", "ruff==0.17.5", "build>=1.2", "selenium>=4.20"]


def packages() -> list[str]:
    """Returns the packages: the code, and the recipes as asd_tf.configs."""
    recipes = ["asd_tf.configs"] + [f"asd_tf.configs.{name}" for name in find_packages("configs")]
    return [*find_packages(include=["asd_tf", "asd_tf.*"]), *recipes]


setup(
    name="asd_tf",
    version=VERSION,
    description="Anomalous sound detection for machines, in TensorFlow",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    packages=packages(),
    package_dir={"asd_tf.configs": "configs"},
    package_data={
        "asd_tf.data": ["*.csv"],
        "asd_tf.evaluation.report": ["*.html", "*.css", "*.js"],
    },
    install_requires=REQUIREMENTS,
    extras_require={"hub": HUB, "test": TEST},
    entry_points={
        "console_scripts": [
            "asd-train = asd_tf.cli.train:main",
            "asd-evaluate = asd_tf.cli.evaluate:main",
            "asd-score = asd_tf.cli.score:main",
            "asd-data = asd_tf.cli.data:main",
            "asd-fuse = asd_tf.cli.fuse:main",
            "asd-convert = asd_tf.cli.convert:main",
        ]
    },
)
