"""The synthetic dataset: the dataset class, the drawing of a bird, and the scene around it."""

# ruff: noqa: F401 (the names that the package offers)
from .dataset import Birdlets, BirdletsSettings, generate_birdlets
