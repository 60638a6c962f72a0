import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpretrain.models import ImageClassifier
from tiny_run import ROOT
from torch import nn

from lcv_mm.engine import ChannelsLastHook, CPUAmpOptimWrapper
from lcv_mm.engine.speed import has_bfloat16
from lcv_mm.launch import type_name

TRAIN = runpy.run_path(str(ROOT / 'tools/train.py'))


def one_step(wrapper_type: type[OptimWrapper]) -> tuple[torch.dtype, torch.Tensor]:
    """The type in which a linear layer computed, and its weight after one step."""
    torch.manual_seed(0)
    model = nn.Linear(8, 8)
    wrapper = wrapper_type(torch.optim.SGD(model.parameters(), lr=0.1))
    with wrapper.optim_context(model):
        out = model(torch.ones(2, 8))
    wrapper.update_params(out.float().square().sum())
    return out.dtype, model.weight.detach()


def test_the_model_runs_in_bfloat16_and_its_weights_stay_float32():
    dtype, weight = one_step(CPUAmpOptimWrapper)
    reference_dtype, reference = one_step(OptimWrapper)
    assert (dtype, reference_dtype) == (torch.bfloat16, torch.float32)
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, reference, rtol=2e-2, atol=2e-2)
    assert not torch.equal(weight, reference)


def test_the_same_seed_gives_the_same_start_with_the_hook(tmp_path):
    weights = []
    for name, hooks in (('plain', []), ('hooked', [ChannelsLastHook()])):
        stop = Hook()
        stop.before_train_epoch = lambda runner: weights.append([*runner.model.parameters()]) or 1 / 0
        runner = Runner(
            dict(type=ImageClassifier, backbone=dict(type='MobileNetV2', widen_factor=0.1), head=dict(type='ClsHead')),
            str(tmp_path / name),
            train_dataloader=dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler'), dataset=[0]),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            custom_hooks=[*hooks, stop],
            default_scope='mmpretrain',
            randomness=dict(seed=3),
        )
        with pytest.raises(ZeroDivisionError):
            runner.train()
    assert [first.is_contiguous(memory_format=torch.channels_last) for first, *_ in weights] == [False, True]
    assert all(torch.equal(*pair) for pair in zip(*weights, strict=True))


@pytest.mark.parametrize('moment', ['before_test', 'before_val'])
def test_a_model_is_also_evaluated_in_channels_last(moment):
    runner = SimpleNamespace(model=nn.Conv2d(3, 4, 3))
    getattr(ChannelsLastHook(), moment)(runner)
    assert runner.model.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ('settings', 'kept'),
    [
        ({}, []),
        (dict(custom_hooks=None), []),
        (dict(custom_hooks=[dict(type='FreezeBackboneHook')]), ['FreezeBackboneHook']),
        (dict(custom_hooks=[dict(type=ChannelsLastHook)]), []),
    ],
)
def test_mixed_precision_on_a_cpu_is_channels_last(settings, kept, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(sys, 'argv', ['train.py', 'x.py', '--amp'])
    cfg = Config(dict(optim_wrapper=dict(type='AmpOptimWrapper', loss_scale=512.0), **settings))
    TRAIN['merge_args'](cfg, TRAIN['parse_args']())
    assert cfg.optim_wrapper == dict(type='lcv_mm.engine.CPUAmpOptimWrapper')  # takes no scale of the loss
    assert [type_name(hook) for hook in cfg.custom_hooks] == [*kept, 'ChannelsLastHook']


@pytest.mark.parametrize(
    ('flags', 'expected'),
    [
        ('avx512f avx512bw avx512_vnni', False),  # Cascade Lake: AVX-512, and bfloat16 emulated
        ('avx512f avx512_bf16', True),
        ('asimd i8mm bf16', True),  # ARM
    ],
)
def test_bfloat16_is_asked_of_the_processor_and_the_makefile_has_the_same_rule(flags, expected, tmp_path):
    (tmp_path / 'cpuinfo').write_text(f'processor\t: 0\nflags\t\t: fpu {flags} sse\n')
    assert has_bfloat16((tmp_path / 'cpuinfo').read_text()) == expected
    rule = next(line for line in (ROOT / 'Makefile').read_text().splitlines() if line.startswith('AMP'))
    command = rule.partition('$(shell ')[2].removesuffix(')').replace('/proc/cpuinfo', str(tmp_path / 'cpuinfo'))
    assert subprocess.run(command, shell=True, capture_output=True, text=True).stdout == '--amp\n' * expected


@pytest.mark.skipif(not Path('/proc/cpuinfo').is_file(), reason='only Linux says what its processor has')
@pytest.mark.parametrize('able', [False, True])
def test_a_processor_without_bfloat16_is_warned_of(able, monkeypatch, caplog_mmengine):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr('lcv_mm.engine.speed.has_bfloat16', lambda cpuinfo: able)
    one_step(CPUAmpOptimWrapper)
    assert ('train without --amp' in caplog_mmengine()) != able
