"""The species table: fine-grained by construction."""

import pytest

from lcv_mm.datasets.birdlets_species import SPECIES, Species, folder_names, trait_distance


def test_there_are_twenty_species_with_names_of_their_own():
    assert len(SPECIES) == 20
    assert len({species.name for species in SPECIES}) == 20


def test_the_distance_counts_the_parts_that_differ():
    plain = Species('A')
    assert trait_distance(plain, Species('B')) == 0
    assert trait_distance(plain, Species('B', tail='long')) == 1
    assert trait_distance(plain, Species('B', 'cap', 'brow', 2, 'spotted', 'long', 'forked')) == 6


def test_no_two_species_have_the_same_parts():
    pairs = [(a, b) for i, a in enumerate(SPECIES) for b in SPECIES[:i]]
    assert all(trait_distance(a, b) >= 1 for a, b in pairs)


def test_each_species_has_a_sibling_that_differs_in_one_part():
    for species in SPECIES:
        assert min(trait_distance(species, other) for other in SPECIES if other is not species) == 1


def test_no_two_species_differ_in_more_than_four_parts():
    assert max(trait_distance(a, b) for a in SPECIES for b in SPECIES) <= 4


def test_folders_are_numbered_from_one_as_in_cub():
    assert folder_names(3) == ('001.Plain_Birdlet', '002.Crested_Birdlet', '003.Capped_Birdlet')
    assert folder_names(20)[19] == '020.Browed_Forktail'


@pytest.mark.parametrize('num_classes', [0, 21, -1])
def test_more_classes_than_species_is_an_error(num_classes):
    with pytest.raises(ValueError, match=f'num_classes={num_classes}, but Birdlets has 20 species; use 1 to 20'):
        folder_names(num_classes)
