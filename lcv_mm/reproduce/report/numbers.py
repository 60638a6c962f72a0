"""Numbers as they stand in the report."""

from ..statistics import Summary

MINUS = '\N{MINUS SIGN}'
NONE = '\N{EN DASH}'  # in a cell that has nothing to say


def number(value: float, digits: int = 2) -> str:
    """Such as `75.18`, with a minus sign where it is negative."""
    return f'{value:.{digits}f}'.replace('-', MINUS)


def signed(value: float, digits: int = 2) -> str:
    """A difference, such as `+0.28`; one that rounds to zero has no sign."""
    text = f'{value:+.{digits}f}'
    return text[1:] if not float(text) else text.replace('-', MINUS)


def seeds(n: int) -> str:
    """`1 seed`, `3 seeds`."""
    return '1 seed' if n == 1 else f'{n} seeds'


def mean_and_spread(sample: Summary, difference: bool = False) -> str:
    """Such as `75.10 ± 0.42 (3 seeds)`; one seed has no spread: `75.10 (1 seed)`."""
    mean = signed(sample.mean) if difference else number(sample.mean)
    spread = '' if sample.sd is None else f' ± {number(sample.sd)}'
    return f'{mean}{spread} ({seeds(sample.n)})'
