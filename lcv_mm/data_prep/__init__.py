"""Prepares the dataset folders: downloads or finds archives, unpacks them and checks the result."""

# ruff: noqa: F401 (the names that the package offers)
from .prepare import prepare
