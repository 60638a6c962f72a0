"""Which configs and runs a command line means, before any is started."""

import json
from pathlib import Path

import pytest

from lcv_mm.errors import ConfigError
from lcv_mm.reproduce import choose_rows, find_configs, make_specs
from lcv_mm.reproduce.paper import read_rows
from lcv_mm.reproduce.plan import check_settings

ROOT = Path(__file__).parents[2]
CBP, LCV = (ROOT / f'configs/{name}.py' for name in ('cbp_vgg16_cub448', 'lcv_cbp_vgg16_cub448'))


def names(*args, **kwargs):
    return [path.stem for path in choose_rows(ROOT / 'configs', *args, **kwargs)]


def test_tables_and_patterns_choose_rows_in_the_order_of_the_paper():
    assert names() == [row.config for row in read_rows()]
    assert names([1])[0] == 'phpq_resnet18_cub448'  # those it quotes are among them
    chosen = ['lcv_hbp_resnet18_cub448', 'bcnn_vgg16_cub224', 'lcv_hbp_resnet18_cub224']
    assert names([1, 2], ['lcv_hbp*', 'bcnn_vgg16_cub224']) == chosen


@pytest.mark.parametrize(
    ('dataset', 'baseline'),
    [
        ('birdlets', '{}_resnet18_birdlets64'),
        ('flower112', '{}_vgg16_flower112'),
        ('warblers112', '{}_vgg16_warblers112'),
        ('warblers112', '{}_resnet18_warblers112'),
    ],
)
def test_another_dataset_is_the_arms_of_each_head(dataset, baseline):
    chosen = {*names(dataset=dataset)}
    for base in map(baseline.format, ('bcnn', 'cbp', 'hbp')):
        assert {base, f'lcv_{base}', f'{base}_attention_balanced'} <= chosen


def test_configs_are_given_by_name_or_path_and_no_two_have_one_name(tmp_path):
    copy = tmp_path / 'mine.py'
    copy.write_text('model = dict()')
    assert [path.resolve() for path in find_configs(['cbp_vgg16_cub448', str(copy)])] == [CBP.resolve(), copy]
    (tmp_path / 'cbp_vgg16_cub448.py').write_text('model = dict()')
    with pytest.raises(ConfigError, match=r'two configs are called cbp_vgg16_cub448\.py'):
        find_configs(['cbp_vgg16_cub448', str(tmp_path / 'cbp_vgg16_cub448.py')])


def specs(tmp_path, seeds=(0,), options=(), amp=False):
    return make_specs([CBP, LCV], seeds, tmp_path, ROOT / 'tools', options, amp)


def test_all_configs_of_a_seed_come_before_the_next_seed(tmp_path):
    runs = [(spec.config.stem, spec.seed) for spec in specs(tmp_path, [3, 1, 3])]
    assert runs == [(config.stem, seed) for seed in (3, 1) for config in (CBP, LCV)]
    assert specs(tmp_path, [3])[1].folder == tmp_path / 'lcv_cbp_vgg16_cub448/seed_3'


def test_settings_are_those_of_the_config_with_seed_and_options_and_a_look_leaves_nothing(tmp_path):
    settings = check_settings(specs(tmp_path, [7], ['train_cfg.max_epochs=3', 'model.head.out_dim=64'], amp=True)[0])
    keys = ('randomness.seed', 'train_cfg.max_epochs', 'model.head.out_dim', 'amp')
    assert [settings[key] for key in keys] == ['7', '3', '64', 'True']
    assert settings['train_dataloader.batch_size'] == '16'
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_begun_with_other_settings_is_refused(tmp_path):
    begun = specs(tmp_path)[0]
    begun.folder.mkdir(parents=True)
    (begun.folder / 'settings.json').write_text(json.dumps(check_settings(begun)))
    check_settings(begun)
    for other in (specs(tmp_path, options=['optim_wrapper.optimizer.lr=0.1'])[0], specs(tmp_path, amp=True)[0]):
        with pytest.raises(
            ConfigError, match=r'seed_0 was started with other settings: (amp=True|.*lr=0.1 \(before: 1.0\))'
        ):
            check_settings(other)
    with pytest.raises(ConfigError, match='lr: expected KEY=VALUE'):
        specs(tmp_path, options=['optim_wrapper.optimizer.lr'])
