"""Optimizer settings and schedules on which a checkpoint to resume from and the config disagree."""

from collections.abc import Mapping
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from ..errors import ConfigError

# how far a scheduler is, and what follows from that; all else is its setting
PROGRESS = ('last_step', '_global_step', '_last_value', 'best', 'num_bad_epochs', 'cooldown_counter')


def schedule_differences(runner: Runner, checkpoint: Mapping[str, Any]) -> list[str]:
    """What a checkpoint, about to be resumed from, puts in the place of the config's optimizer and schedule.

    Args:
        runner (Runner): With its optimizer and schedulers as the config has them.
        checkpoint (Mapping[str, Any]): The checkpoint, as loaded.

    Returns:
        list[str]: Such as 'lr=0.02 (checkpoint: 0.01)', each once; nothing is said of several optimizers.
    """
    if not isinstance(runner.optim_wrapper, OptimWrapper) or not isinstance(runner.param_schedulers, list | None):
        return []
    found = []
    held = checkpoint['optimizer'].get('param_groups', [])
    for ours, theirs in zip(runner.optim_wrapper.optimizer.param_groups, held, strict=False):
        for key in ours.keys() & theirs.keys() - {'params'}:
            if f'initial_{key}' not in ours:  # else a scheduler has been at it
                found.append((key.removeprefix('initial_'), ours[key], theirs[key]))
    schedulers, states = runner.param_schedulers or [], checkpoint.get('param_schedulers') or []
    if len(schedulers) != len(states):
        found.append(('number of param_scheduler', len(schedulers), len(states)))
    for scheduler, state in zip(schedulers, states, strict=False):
        ours = scheduler.state_dict()
        for key in ours.keys() & state.keys() - {*PROGRESS, 'base_values', 'verbose'}:
            if not callable(ours[key]):
                found.append((f'{type(scheduler).__name__}.{key}', ours[key], state[key]))
    return list(dict.fromkeys(f'{key}={ours} (checkpoint: {theirs})' for key, ours, theirs in found if ours != theirs))


def take_schedule_of_config(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Write the config's settings of optimizer and schedule, brought to the place of the run, into a checkpoint.

    What the optimizer has gathered (momentum) stays.

    Args:
        runner (Runner): With its optimizer and schedulers as the config has them, not yet used.
        checkpoint (dict[str, Any]): The checkpoint, as loaded.

    Raises:
        ConfigError: If there are several optimizers, or a schedule that follows a metric.
    """
    schedulers = runner.param_schedulers or []
    if not isinstance(runner.optim_wrapper, OptimWrapper) or any(hasattr(one, 'monitor') for one in schedulers):
        raise ConfigError(
            '--config-schedule: expected one optimizer and a schedule that follows no metric; leave it out, or start '
            'from the weights alone with load_from'
        )
    meta, epoch_length = checkpoint['meta'], len(runner.train_dataloader)
    for iteration in range(1, meta['iter'] + 1):  # in the order of MMEngine's ParamSchedulerHook
        epoch, rest = divmod(iteration, epoch_length)
        for by_epoch in (False, True):
            for scheduler in schedulers:
                if scheduler.by_epoch == by_epoch and (not by_epoch or (rest == 0 and epoch <= meta['epoch'])):
                    scheduler.step()
    held = checkpoint['optimizer']
    for ours, theirs in zip(runner.optim_wrapper.optimizer.param_groups, held['param_groups'], strict=True):
        theirs.update({key: value for key, value in ours.items() if key != 'params'})
    if 'base_param_settings' in held:
        held['base_param_settings'] = runner.optim_wrapper.base_param_settings
    checkpoint['param_schedulers'] = [scheduler.state_dict() for scheduler in schedulers]
