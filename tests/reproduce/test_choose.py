"""Which configs a command line means."""

from pathlib import Path

import pytest

from lcv_mm.errors import ConfigError
from lcv_mm.reproduce import choose_configs

CONFIGS = Path(__file__).parents[2] / 'configs'


def names(*args, **kwargs):
    return [path.stem for path in choose_configs(CONFIGS, *args, **kwargs)]


def test_all_are_the_papers_29_rows_in_the_order_of_its_tables():
    all_rows = names()
    assert len(all_rows) == len(set(all_rows)) == 29
    assert all_rows[:2] == ['bcnn_vgg16_cub448', 'lcv_bcnn_vgg16_cub448']
    assert all(path.is_file() for path in choose_configs(CONFIGS))


def test_a_table_has_its_own_rows_without_those_it_quotes():
    assert names([1]) == [
        'bcnn_vgg16_cub448',
        'lcv_bcnn_vgg16_cub448',
        'cbp_vgg16_cub448',
        'lcv_cbp_vgg16_cub448',
        'hbp_vgg16_cub448',
        'hbp_resnet18_cub448',
        'lcv_hbp_resnet18_cub448',
    ]


def test_patterns_choose_within_the_tables():
    assert names([1, 2], ['lcv_hbp*', 'bcnn_vgg16_cub224']) == [
        'lcv_hbp_resnet18_cub448',
        'bcnn_vgg16_cub224',
        'lcv_hbp_resnet18_cub224',
    ]


def test_the_rehearsal_is_six_configs_and_twenty_ablations():
    chosen = names(dataset='birdlets')
    assert len(chosen) == 26
    assert names(dataset='birdlets', patterns=['*_birdlets64']) == [
        f'{lcv}{method}_resnet18_birdlets64' for lcv in ('', 'lcv_') for method in ('bcnn', 'cbp', 'hbp')
    ]


def test_a_pattern_that_fits_nothing_is_named_with_what_was_likely_meant():
    with pytest.raises(ConfigError, match=r"--rows lcv_cpb_vgg16_cub448: fits none of the 29 .*'lcv_cbp_vgg16_cub448'"):
        names(patterns=['lcv_cpb_vgg16_cub448'])


def test_tables_and_birdlets_exclude_each_other():
    with pytest.raises(ConfigError, match='--tables 1 --dataset birdlets'):
        names([1], dataset='birdlets')
