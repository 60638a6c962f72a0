"""How the tools report what a user can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import UserFacingError


@contextmanager
def short_errors() -> Iterator[None]:
    """End the program with the message alone, and exit code 1, on an error the user can act on."""
    try:
        yield
    except UserFacingError as error:
        raise SystemExit(f'\nerror: {error}') from None
