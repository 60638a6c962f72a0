"""What of a checkpoint has to fit when."""

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from mmpretrain.models import LoRAModel
from torch import nn

from lcv_mm.engine import CheckpointFitHook
from lcv_mm.errors import CheckpointError


class Model(nn.Module):
    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, num_classes)


OPTIMIZER = dict(optimizer={})


def load(
    hook: CheckpointFitHook, checkpoint: Any, resume=False, classes='abc', model=None, state=OPTIMIZER, schedulers=None
) -> None:
    """The part of a Runner that the hook looks at, with the model of three classes; then what the Runner loads."""
    model = model or Model()
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=tuple(classes))))
    runner = SimpleNamespace(
        model=model, _load_from='x.pth', _resume=resume, logger=logging.getLogger('test'), optim_wrapper=None,
        param_schedulers=schedulers, **{'test_dataloader' if hook.testing else 'train_dataloader': loader},
    )  # fmt: skip
    if resume:
        checkpoint = dict(checkpoint if 'state_dict' in checkpoint else dict(state_dict=checkpoint), **state)
    hook.after_load_checkpoint(cast(Runner, runner), checkpoint)
    _load_checkpoint_to_model(model, checkpoint, revise_keys=[(r'^module.', '')])


def test_a_checkpoint_that_fits_is_loaded_also_a_distributed_one():
    state = Model().state_dict()
    for checkpoint in (dict(state_dict=state), state, {f'module.{key}': value for key, value in state.items()}):
        load(CheckpointFitHook(testing=True), checkpoint)
        load(CheckpointFitHook(), checkpoint, resume=True)


def test_training_may_leave_out_the_head_of_other_classes_and_says_so(caplog):
    load(CheckpointFitHook(), dict(state_dict=Model(5).state_dict()))
    assert '6 of the 8 tensors of Model fit; the others are not loaded' in caplog.text
    assert 'head.weight is (5, 4) in the file, expected (3, 4)' in caplog.text
    with pytest.raises(CheckpointError, match='0 of the 8 tensors'):
        load(CheckpointFitHook(), {'conv1.weight': torch.ones(2)})


@pytest.mark.parametrize(('testing', 'resume'), [(True, False), (False, True)])
def test_testing_and_resuming_need_all_of_it(testing, resume):
    without_head = {key: value for key, value in Model().state_dict().items() if not key.startswith('head')}
    too_much = {**Model().state_dict(), 'neck.weight': torch.ones(1)}
    for state, problem in (
        (Model(5).state_dict(), r'head.weight is \(5, 4\) in the file, expected \(3, 4\)'),
        (without_head, 'head.weight is missing'),
        (too_much, 'neck.weight is not in the model'),
    ):
        with pytest.raises(CheckpointError, match=problem):
            load(CheckpointFitHook(testing=testing), dict(state_dict=state), resume=resume)


@pytest.mark.parametrize(('state', 'schedulers'), [({}, None), (OPTIMIZER, ['a scheduler'])])
def test_a_run_is_not_resumed_without_the_state_of_its_optimizer_and_schedule(state, schedulers):
    with pytest.raises(CheckpointError, match='x.pth: has no optimizer or scheduler state'):
        load(CheckpointFitHook(), Model().state_dict(), resume=True, state=state, schedulers=schedulers)


@pytest.mark.parametrize(('testing', 'resume'), [(True, False), (False, True), (False, False)])
def test_other_classes_than_those_trained_on_are_an_error(testing, resume):
    checkpoint = dict(state_dict=Model().state_dict(), meta=dict(dataset_meta=dict(classes=['a', 'b', 'c'])))
    load(CheckpointFitHook(testing), checkpoint, resume)
    loader = 'test_dataloader' if testing else 'train_dataloader'
    with pytest.raises(
        CheckpointError, match=rf"other classes than {loader}.dataset has: class 1 is 'b' in one and 'c'"
    ):
        load(CheckpointFitHook(testing), checkpoint, resume, 'acb')


def test_a_head_of_as_many_other_classes_may_start_anew():
    state = {key: value for key, value in Model().state_dict().items() if not key.startswith('head')}
    meta = dict(dataset_meta=dict(classes=['d', 'e', 'f']))
    load(CheckpointFitHook(), dict(state_dict=state, meta=meta))
    model = Model()
    model.backbone.add_module('head', nn.Linear(4, 4))  # timm's backbones may have one
    with pytest.raises(CheckpointError, match='other classes'):  # the model's own head is loaded
        load(CheckpointFitHook(), dict(state_dict=Model().state_dict(), meta=meta), model=model)


@pytest.mark.parametrize('wrapped', ['', 'module.'], ids=['of one process', 'of DistributedDataParallel'])
def test_a_model_whose_own_names_begin_with_module_takes_its_own_checkpoint(wrapped):
    head = dict(type='LinearClsHead', num_classes=3, in_channels=64)
    backbone = dict(type='MobileNetV2', widen_factor=0.05, out_indices=(0,))
    model = dict(type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling'), head=head)
    fresh = LoRAModel(model, rank=2, targets=[dict(type='fc')])
    state = {f'{wrapped}{key}': torch.full_like(value, 7.0) for key, value in fresh.state_dict().items()}
    assert all(key.startswith(f'{wrapped}module.') for key in state)
    for hook, resume in ((CheckpointFitHook(testing=True), False), (CheckpointFitHook(), True)):
        load(hook, dict(state_dict=state), resume, model=fresh)
        assert all((value == 7).all() for value in fresh.state_dict().values())
