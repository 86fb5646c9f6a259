"""Every package must export documented names, and must be importable on its own."""

import importlib
import subprocess
import sys

import pytest

PACKAGES = [
    "asd_tf.augmentation",
    "asd_tf.backends",
    "asd_tf.frontends",
    "asd_tf.losses",
    "asd_tf.models",
    "asd_tf.models.encoders",
    "asd_tf.models.heads",
    "asd_tf.models.layers",
]

# Each package is imported by a child process in which nothing of asd_tf has been imported before.
IMPORT_ALONE = """
import importlib, os, sys
import keras, pandas, sklearn, tensorflow
for package in sys.argv[1:]:
    assert not [name for name in sys.modules if name.startswith("asd_tf")]
    child = os.fork()
    if not child:
        importlib.import_module(package)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{package} cannot be imported alone")
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_exists_and_is_documented(package):
    module = importlib.import_module(package)
    assert module.__doc__
    assert module.__all__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        value = getattr(module, name)
        if callable(value):
            assert value.__module__.startswith("asd_tf.")
            assert value.__doc__


def test_each_package_can_be_imported_alone():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALONE, *PACKAGES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
