"""Lists the packages; everything else about the package stands in pyproject.toml."""

from setuptools import find_packages, setup

# The recipes are packaged as asd_tf.configs. No static list in pyproject.toml can name the folders
# of a second package directory without being changed for each new method.
recipes = ["asd_tf.configs", *(f"asd_tf.configs.{name}" for name in find_packages("configs"))]

setup(packages=[*find_packages(include=["asd_tf", "asd_tf.*"]), *recipes])
