"""The species of Birdlets: one body plan, and six parts in which the species differ."""

from dataclasses import dataclass, fields
from typing import Literal

from lcv_mm.errors import ConfigError


@dataclass(frozen=True)
class Species:
    """The part traits that make a class. Colour is no trait: it is drawn anew for every image.

    Args:
        name (str): The common name, words separated by underscores.
        crown (str): 'plain', 'cap' (dark top of the head) or 'crest' (pointed feathers).
        eye (str): 'plain', 'ring' (pale, around the eye) or 'brow' (pale stripe above it).
        wing_bars (int): Number of pale bars across the wing, 0, 1 or 2.
        breast (str): 'plain', 'streaked' (dark lines along the body) or 'spotted' (dark dots).
        beak (str): 'short' or 'long'.
        tail (str): 'short', 'long' or 'forked'.
    """

    name: str
    crown: Literal['plain', 'cap', 'crest'] = 'plain'
    eye: Literal['plain', 'ring', 'brow'] = 'plain'
    wing_bars: Literal[0, 1, 2] = 0
    breast: Literal['plain', 'streaked', 'spotted'] = 'plain'
    beak: Literal['short', 'long'] = 'short'
    tail: Literal['short', 'long', 'forked'] = 'short'


# The order is part of the dataset: a class keeps its number whatever `num_classes` is. New species go to the end.
SPECIES: tuple[Species, ...] = (
    Species('Plain_Birdlet'),
    Species('Crested_Birdlet', crown='crest'),
    Species('Capped_Birdlet', crown='cap'),
    Species('Ringed_Birdlet', eye='ring'),
    Species('Browed_Birdlet', eye='brow'),
    Species('Barred_Birdlet', wing_bars=1),
    Species('Double_barred_Birdlet', wing_bars=2),
    Species('Streaked_Birdlet', breast='streaked'),
    Species('Spotted_Birdlet', breast='spotted'),
    Species('Long_billed_Birdlet', beak='long'),
    Species('Long_tailed_Birdlet', tail='long'),
    Species('Fork_tailed_Birdlet', tail='forked'),
    Species('Crested_Barwing', crown='crest', wing_bars=2),
    Species('Capped_Spotbreast', crown='cap', breast='spotted'),
    Species('Ringed_Longbill', eye='ring', beak='long'),
    Species('Streaked_Longtail', breast='streaked', tail='long'),
    Species('Crested_Forktail', crown='crest', tail='forked'),
    Species('Capped_Barwing', crown='cap', wing_bars=2),
    Species('Spotted_Longbill', breast='spotted', beak='long'),
    Species('Browed_Forktail', eye='brow', tail='forked'),
)


def trait_distance(a: Species, b: Species) -> int:
    """Number of part traits in which two species differ, 0 to 6; the name is none of them."""
    return sum(getattr(a, f.name) != getattr(b, f.name) for f in fields(Species) if f.name != 'name')


def folder_names(num_classes: int) -> tuple[str, ...]:
    """The class folders as CUB names them, numbers from 1: `001.Plain_Birdlet`, `002.Crested_Birdlet`, ...

    Args:
        num_classes (int): How many of the species, from the first, in [1, 20].

    Returns:
        tuple[str, ...]: `num_classes` names.

    Raises:
        ConfigError: If there are not that many species.
    """
    if not 1 <= num_classes <= len(SPECIES):
        raise ConfigError(
            f'num_classes={num_classes}, but Birdlets has {len(SPECIES)} species; use 1 to {len(SPECIES)}'
        )
    return tuple(f'{number:03d}.{species.name}' for number, species in enumerate(SPECIES[:num_classes], 1))
