"""The errors that a user can act on."""


class UserFacingError(RuntimeError):
    """An error the user can act on: the tools print its message without a traceback."""


class DataError(UserFacingError):
    """The data on disk is missing or damaged."""


class WeightsError(UserFacingError):
    """The pretrained weights are missing, damaged or of another model."""


class CheckpointError(UserFacingError):
    """A checkpoint file is missing, damaged, or refused because it holds more than weights."""
