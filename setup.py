"""Packaging entry point that Beam's --setup_file wants; everything it says is in pyproject.toml."""

from setuptools import setup

setup()
