"""Files of weights: written completely or not at all, loaded as data, fitted strictly, found again after a stop."""
