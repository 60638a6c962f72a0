"""What the tests of reproduce share."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def interrupts() -> Iterator[Any]:
    """Sets what SIGINT does until the test's end: a script's `&` has it ignored, for the tests as for all it starts."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda handler: signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGINT, before)
