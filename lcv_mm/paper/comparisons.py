"""The comparisons that decide what of LCV helps: each a config and the neighbour that differs from it in one part."""

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Comparison:
    """Two configs that are run with the same seeds.

    Args:
        question (str): What their difference answers.
        config (str): Name of the one, without `.py`.
        against (str): Name of the other; the difference is `config` minus `against`.
    """

    question: str
    config: str
    against: str


def read_comparisons() -> list[Comparison]:
    """All comparisons on Birdlets, in the order in which they are reported."""
    text = files(__package__).joinpath('comparisons.csv').read_text(encoding='utf-8')
    return [Comparison(**row) for row in csv.DictReader(text.splitlines())]
