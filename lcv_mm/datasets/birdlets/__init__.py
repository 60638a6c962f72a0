"""The synthetic dataset: the dataset class, the drawing of a bird, and the scene around it."""

from .dataset import SETTINGS_FILE, Birdlets, BirdletsSettings, generate_birdlets

__all__ = ['SETTINGS_FILE', 'Birdlets', 'BirdletsSettings', 'generate_birdlets']
