"""The runs of a command line, before any is started."""

from pathlib import Path

import pytest

from lcv_mm.errors import ConfigError
from lcv_mm.reproduce import check_specs, make_specs
from lcv_mm.reproduce.settings import hold_to_settings, run_config

ROOT = Path(__file__).parents[2]
CBP, LCV = (ROOT / f'configs/{name}.py' for name in ('cbp_vgg16_cub448', 'lcv_cbp_vgg16_cub448'))


def specs(tmp_path, seeds=(0,), options=(), amp=False):
    return make_specs([CBP, LCV], seeds, tmp_path, ROOT / 'tools', options, amp)


def test_all_configs_of_a_seed_come_before_the_next_seed(tmp_path):
    assert [spec.name for spec in specs(tmp_path, [3, 1])] == [
        'cbp_vgg16_cub448, seed 3',
        'lcv_cbp_vgg16_cub448, seed 3',
        'cbp_vgg16_cub448, seed 1',
        'lcv_cbp_vgg16_cub448, seed 1',
    ]
    assert specs(tmp_path, [3])[1].folder == tmp_path / 'lcv_cbp_vgg16_cub448/seed_3'


def test_a_run_is_the_ordinary_trainer_with_its_seed_and_options(tmp_path):
    spec = specs(tmp_path, [7], ['train_cfg.max_epochs=3', 'model.head.out_dim=64'], amp=True)[0]
    assert spec.train_command() == [
        *(str(ROOT / 'tools/train.py'), str(CBP), f'--work-dir={tmp_path / "cbp_vgg16_cub448/seed_7"}', '--resume'),
        *('--amp', '--cfg-options', 'randomness.seed=7', 'train_cfg.max_epochs=3', 'model.head.out_dim=64'),
    ]
    cfg = run_config(spec)
    assert (cfg.randomness.seed, cfg.train_cfg.max_epochs, cfg.model.head.out_dim) == (7, 3, 64)
    assert check_specs([spec]) == [3]
    assert check_specs(specs(tmp_path)) == [60, 60]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(seeds=[1, 1]), '--seeds 1 1: expected different numbers'),
        (dict(seeds=[-1]), '--seeds -1: expected different numbers, 0 or more'),
        (dict(options=['train_cfg.max_epochs']), '--cfg-options train_cfg.max_epochs: expected KEY=VALUE'),
        (dict(options=['randomness.seed=3']), 'expected seeds in --seeds'),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_runs(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        specs(tmp_path, **changes)


def test_a_folder_is_held_to_the_settings_it_was_begun_with(tmp_path):
    (begun,) = specs(tmp_path)[:1]
    hold_to_settings(begun, run_config(begun), write=True)
    check_specs([begun])
    for other in (specs(tmp_path, options=['optim_wrapper.optimizer.lr=0.1'])[0], specs(tmp_path, amp=True)[0]):
        with pytest.raises(
            ConfigError, match=r'seed_0 was begun with other settings: (amp=True|.*lr=0.1 \(there: 0.01\))'
        ):
            check_specs([other])


def test_a_look_leaves_nothing_behind(tmp_path):
    check_specs(specs(tmp_path))
    assert not list(tmp_path.iterdir())
