"""What a few seeds say: means, spreads, paired differences and their confidence intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import t as student_t


@dataclass(frozen=True)
class Summary:
    """A sample in three numbers.

    Args:
        mean (float): Its mean.
        sd (float | None): Its sample standard deviation (divided by n - 1); None of a single value, which has none.
        n (int): How many values.
    """

    mean: float
    sd: float | None
    n: int


def summarise(values: Sequence[float]) -> Summary:
    """Mean, sample standard deviation and number of values.

    Raises:
        ValueError: If there is no value.
    """
    n = len(values)
    if not n:
        raise ValueError('expected at least one value, got none')
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(mean, None, 1)
    return Summary(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1)), n)


def paired_differences(values: Mapping[int, float], against: Mapping[int, float]) -> list[float]:
    """`values` minus `against`, both `{seed: value}`, for each seed that both have, in the order of the seeds."""
    return [values[seed] - against[seed] for seed in sorted(values.keys() & against.keys())]


def t_interval(sample: Summary, level: float = 0.95) -> tuple[float, float] | None:
    """Confidence interval of the mean by Student's t: mean -+ t(level, n - 1) * sd / sqrt(n).

    Args:
        sample (Summary): Of values taken as independent and normal.
        level (float): Confidence, in (0, 1).

    Returns:
        tuple[float, float] | None: Its ends; None for a single value.
    """
    if sample.sd is None:
        return None
    half = float(student_t.ppf((1 + level) / 2, sample.n - 1)) * sample.sd / math.sqrt(sample.n)
    return sample.mean - half, sample.mean + half


def accuracy_standard_error(top1: float, images: int) -> float:
    """Binomial standard error of one accuracy, sqrt(p (1 - p) / n), in points of per cent.

    Args:
        top1 (float): The accuracy in per cent, in [0, 100].
        images (int): Number of test images, n.
    """
    share = top1 / 100
    return 100 * math.sqrt(share * (1 - share) / images)
