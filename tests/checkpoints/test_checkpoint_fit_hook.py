"""What of a checkpoint has to fit when."""

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from mmengine.runner import Runner
from torch import nn

from lcv_mm.engine import CheckpointFitHook
from lcv_mm.errors import CheckpointError, ConfigError


class Model(nn.Module):
    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, num_classes)


def load(hook: CheckpointFitHook, checkpoint: Any, resume: bool = False, classes: tuple[str, ...] = ('a', 'b', 'c')):
    """The part of a Runner that the hook looks at, with the model of three classes."""
    runner = SimpleNamespace(
        model=Model(), _load_from='x.pth', _resume=resume, logger=logging.getLogger('test'),
        optim_wrapper=None, param_schedulers=None,
        test_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=classes))),
    )  # fmt: skip
    if resume:
        checkpoint = dict(checkpoint if 'state_dict' in checkpoint else dict(state_dict=checkpoint), optimizer={})
    hook.after_load_checkpoint(cast(Runner, runner), checkpoint)


def test_a_checkpoint_that_fits_is_loaded_also_a_distributed_one():
    state = Model().state_dict()
    for checkpoint in (dict(state_dict=state), state, {f'module.{key}': value for key, value in state.items()}):
        load(CheckpointFitHook(testing=True), checkpoint)
        load(CheckpointFitHook(), checkpoint, resume=True)


def test_counters_of_batch_norm_may_be_missing():
    state = {key: value for key, value in Model().state_dict().items() if 'num_batches_tracked' not in key}
    load(CheckpointFitHook(testing=True), dict(state_dict=state))


def test_training_may_leave_out_the_head_of_other_classes_and_says_so(caplog):
    load(CheckpointFitHook(), dict(state_dict=Model(5).state_dict()))
    assert '6 of the 8 tensors of Model fit; the others start anew' in caplog.text
    assert 'head.weight is (5, 4) there, expected (3, 4)' in caplog.text


@pytest.mark.parametrize(('testing', 'resume'), [(True, False), (False, True)])
def test_testing_and_resuming_need_all_of_it(testing, resume):
    without_head = {key: value for key, value in Model().state_dict().items() if not key.startswith('head')}
    too_much = {**Model().state_dict(), 'neck.weight': torch.ones(1)}
    for state, problem in (
        (Model(5).state_dict(), r'head.weight is \(5, 4\) there, expected \(3, 4\)'),
        (without_head, 'head.weight is missing'),
        (too_much, 'neck.weight is not in the model'),
    ):
        with pytest.raises(CheckpointError, match=problem):
            load(CheckpointFitHook(testing=testing), dict(state_dict=state), resume=resume)


def test_weights_of_which_nothing_fits_are_an_error_in_training():
    with pytest.raises(CheckpointError, match='0 of the 8 tensors'):
        load(CheckpointFitHook(), {'conv1.weight': torch.ones(2)})


def test_other_classes_than_those_trained_on_are_an_error():
    checkpoint = dict(state_dict=Model().state_dict(), meta=dict(dataset_meta=dict(classes=['a', 'b', 'c'])))
    load(CheckpointFitHook(testing=True), checkpoint)
    with pytest.raises(CheckpointError, match="class 1 is 'b' in one and 'c' in the other"):
        load(CheckpointFitHook(testing=True), checkpoint, classes=('a', 'c', 'b'))


def test_the_schedule_of_the_config_is_refused_for_several_optimizers():
    with pytest.raises(ConfigError, match='expected one optimizer'):
        load(CheckpointFitHook(config_schedule=True), dict(state_dict=Model().state_dict()), resume=True)
