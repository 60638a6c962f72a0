"""Prepares the dataset folders: downloads or finds archives, unpacks them and checks the result."""

from .prepare import prepare

__all__ = ['prepare']
