"""How the tools report what a user can act on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import UserFacingError

TRACEBACK = 'LCV_MM_TRACEBACK'


@contextmanager
def short_errors() -> Iterator[None]:
    """End the program with the message alone, and exit code 1, on an error the user can act on.

    Any other error keeps its traceback; with the environment variable `LCV_MM_TRACEBACK=1` all do.
    """
    try:
        yield
    except UserFacingError as error:
        if os.environ.get(TRACEBACK, '0') == '1':
            raise
        raise SystemExit(f'\nerror: {message_of(error)}') from None


def message_of(error: UserFacingError) -> str:
    """The error's message; of one that a worker of a dataloader raised, without the worker's traceback around it."""
    name = f'{type(error).__module__}.{type(error).__qualname__}: '
    return str(error).rpartition(name)[2].rstrip()
