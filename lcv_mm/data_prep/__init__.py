"""Makes the folders of the datasets: downloads or takes archives, unpacks them, verifies the result."""

from .prepare import prepare

__all__ = ['prepare']
