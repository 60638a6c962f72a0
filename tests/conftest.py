"""Its place puts `tests/` on the path, so that a test imports the shared `layouts` by that name."""

from collections.abc import Iterator

import pytest
from mmengine.registry import DefaultScope


@pytest.fixture(autouse=True)
def no_scope_left_behind() -> Iterator[None]:
    """A Runner sets a scope for the whole process; in the next test bare names would be searched there alone."""
    yield
    DefaultScope._instance_dict.clear()
