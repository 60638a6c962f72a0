"""What the commands of tools/ make of their arguments, without a run."""

import runpy
import sys
from collections.abc import Callable

import pytest
import torch
from mmengine.config import Config
from report_folders import add_log
from tiny_run import ROOT


@pytest.fixture
def merged(monkeypatch) -> Callable[..., Config]:
    """A config of these settings, into which a tool has written its arguments."""

    def merged(tool: str, args: list[str], **settings: object) -> Config:
        cfg, module = Config(settings), runpy.run_path(str(ROOT / f'tools/{tool}.py'))
        monkeypatch.setattr(sys, 'argv', [f'{tool}.py', 'x.py', *args])
        module['merge_args'](cfg, module['parse_args']())
        return cfg

    return merged


@pytest.mark.parametrize('args', [[], ['--auto-scale-lr']])
def test_the_learning_rate_is_scaled_where_that_is_asked_for(args, merged):
    cfg = merged('train', args, auto_scale_lr=dict(base_batch_size=16, enable=False))
    assert cfg.auto_scale_lr == dict(base_batch_size=16, enable=bool(args))


@pytest.mark.parametrize(('given', 'scale'), [({}, 'dynamic'), (dict(loss_scale=512.0), 512.0)])
def test_mixed_precision_on_a_gpu_scales_the_loss(given, scale, merged, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = merged('train', ['--amp'], optim_wrapper=dict(type='OptimWrapper', **given))
    assert cfg.optim_wrapper == dict(type='AmpOptimWrapper', loss_scale=scale)
    assert 'custom_hooks' not in cfg


@pytest.mark.parametrize('args', [[], ['--amp']])
def test_a_test_runs_in_mixed_precision_where_that_is_asked_for(args, merged):
    assert merged('test', ['x.pth', *args], test_cfg=dict()).test_cfg == (dict(fp16=True) if args else {})


def test_predictions_go_into_no_file_of_another_kind(run_here, tmp_path):
    done = run_here('predict', 'x.py', 'x.pth', tmp_path, '--out', 'p.txt', check=False)
    assert done.stderr.endswith('p.txt: expected a name that ends in .json or .csv')


@pytest.mark.parametrize(
    ('args', 'baseline'),
    [([], 'bcnn'), (['--baseline', 'cbp'], 'cbp'), (['--baseline', 'hbp'], 'hbp')],
    ids=['the first', 'another', 'one that is not listed'],
)
def test_configs_are_compared_with_the_baseline(args, baseline, run_here, tmp_path):
    names = [f'{arg}_resnet18_birdlets64' if arg[0] != '-' else arg for arg in ['bcnn', 'cbp', *args]]
    run_here('compare', *names, '--report-only', '--work-dir', tmp_path)
    title, missing = (tmp_path / 'report.md').read_text().split('\n\n')[:2]
    assert title == f'# Comparison with `{baseline}_resnet18_birdlets64`'
    assert missing.count('birdlets64') == len({*names} - {'--baseline'})


def test_runs_of_the_same_name_are_told_apart_by_their_folders(run_here, tmp_path):
    folders = [tmp_path / name / 'seed_0' for name in 'ab']
    for folder in folders:
        add_log(folder, [50.0, 60.0])
    for runs, labels in ((folders, folders), (folders[:1], ['seed_0'])):
        run_here('plot_curves', *runs, '--out', tmp_path / 'new/curves.svg')
        picture = (tmp_path / 'new/curves.svg').read_text()
        assert [f'<!-- {label} -->' in picture for label in (*folders, 'seed_0')] == [
            label in labels for label in (*folders, 'seed_0')
        ]
