"""Configs by path and by name, overrides, and how a command shows an error."""

import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from lcv_mm.errors import ConfigError, DataError
from lcv_mm.launch import load_config, override_config, short_errors

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ('name', 'file'),
    [
        ('lcv_cbp_vgg16_cub448', 'lcv_cbp_vgg16_cub448'),
        ('configs/lcv_cbp_vgg16_cub448.py', 'lcv_cbp_vgg16_cub448'),
        ('lcv_cbp_vgg16_flower112', 'small/lcv_cbp_vgg16_flower112'),
        ('ablations/lcv_cbp_resnet18_birdlets64_shuffled.py', 'ablations/lcv_cbp_resnet18_birdlets64_shuffled'),
        (str(ROOT / 'configs/cbp_vgg16_cub448.py'), 'cbp_vgg16_cub448'),
    ],
)
def test_a_config_is_found_by_its_path_or_by_its_name_in_any_folder(name, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config(name).to_dict() == Config.fromfile(ROOT / f'configs/{file}.py').to_dict()


def test_a_misspelt_config_is_answered_with_names_close_to_it():
    with pytest.raises(ConfigError, match=r"lcv_cbp_vgg16_flower122: no such config.*'lcv_cbp_vgg16_flower112'"):
        load_config('lcv_cbp_vgg16_flower122')


def test_options_reach_new_keys_lists_and_what_the_runner_looks_up():
    cfg = Config(dict(model=dict(head=dict(type='CBPHead')), pipeline=[dict(scale=1), dict(scale=2)], mine=3))
    override_config(cfg, {'model.head.out_dim': 8, 'pipeline.1.scale': 99, 'find_unused_parameters': True, 'mine': 4})
    assert cfg.to_dict() == dict(
        model=dict(head=dict(type='CBPHead', out_dim=8)),
        pipeline=[dict(scale=1), dict(scale=99)],
        find_unused_parameters=True,
        mine=4,
    )


def test_an_option_that_begins_with_an_unknown_name_is_refused():
    cfg = Config(dict(train_cfg=dict(max_epochs=1)))
    with pytest.raises(ConfigError, match=r"trian_cfg.max_epochs=3: the config has no 'trian_cfg'.*'train_cfg'"):
        override_config(cfg, {'train_cfg.max_epochs': 2, 'trian_cfg.max_epochs': 3})


def test_an_error_for_the_user_ends_a_command_with_its_message():
    from_a_worker = f'Caught DataError in worker 0.\n  File ...\n{DataError.__module__}.DataError: 1.jpg is damaged\n'
    for error in (DataError('1.jpg is damaged'), DataError(from_a_worker)):
        with pytest.raises(SystemExit) as caught, short_errors():
            raise error
        assert caught.value.code == '\nerror: 1.jpg is damaged'
    with pytest.raises(ZeroDivisionError), short_errors():
        _ = 1 / 0


def test_two_distributions_of_the_toolbox_are_warned_of(tmp_path, monkeypatch, recwarn):
    for name in ('mmpretrain', 'onedl_mmpretrain'):
        assert not recwarn.list
        (tmp_path / f'{name}-1.2.0.dist-info').mkdir()
        (tmp_path / f'{name}-1.2.0.dist-info/METADATA').write_text(f'Name: {name}\nVersion: 1.2.0\n')
        monkeypatch.setattr(sys, 'path', [str(tmp_path)])
        with short_errors():
            pass
    assert [str(warning.message)[:56] for warning in recwarn] == [
        'mmpretrain and onedl-mmpretrain are both installed and o'
    ]


@pytest.mark.slow
def test_a_command_prints_the_message_without_the_noise_of_the_toolbox():
    command = [sys.executable, 'tools/train.py', 'configs/nowhere.py']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ''
    error = 'error: configs/nowhere.py: no such config file, and no config of lcv_mm. `lcv_mm configs` lists them'
    assert done.stderr.strip() == error
