"""Errors that the user can act on."""

import difflib
from collections.abc import Iterable, Sequence


class UserFacingError(RuntimeError):
    """An error the user can act on: the tools print its message without a traceback."""


class ConfigError(UserFacingError, ValueError):
    """A setting of the config or the command line is unknown, out of range, or in conflict with another."""


class DataError(UserFacingError):
    """The data on disk is missing or damaged."""


class WeightsError(UserFacingError):
    """Pretrained weights are missing, damaged, or belong to another model."""


class CheckpointError(UserFacingError):
    """A checkpoint file is missing, damaged, belongs to another model, or contains more than data."""


class TrainingError(UserFacingError):
    """A run cannot go on: its losses, weights or scores are NaN or infinite."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Suggestion for a misspelt name, to end a sentence with: "; did you mean 'hinge'?", or "."."""
    close = difflib.get_close_matches(str(name), list(known), n=2, cutoff=0.6)
    return f'; did you mean {" or ".join(map(repr, close))}?' if close else '.'


def first_difference(classes: Sequence[str], others: Sequence[str]) -> str:
    """Describe how two lists of classes differ."""
    if len(classes) != len(others):
        lone = sorted({*classes} ^ {*others})
        return (
            f'there are {len(classes)} in one and {len(others)} in the other; only one of them has '
            f'{", ".join(lone[:3])}{", ..." * (len(lone) > 3)}'
        )
    first = next(i for i, (a, b) in enumerate(zip(classes, others, strict=True)) if a != b)
    return f'class {first} is {classes[first]!r} in one and {others[first]!r} in the other'
