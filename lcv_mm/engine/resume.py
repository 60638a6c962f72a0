"""Choose the checkpoint to resume from, and compare its schedule with the config's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from .load import is_intact

NOTE = 'last_checkpoint'  # MMEngine's file with the path of the last checkpoint
INTERRUPTED = 'interrupted.pth'  # saved by a run that received a signal to stop
# the progress of a scheduler; its other values are settings
PROGRESS = ('last_step', '_global_step', '_last_value', 'best', 'num_bad_epochs', 'cooldown_counter')


def resume_from_last_good(runner: Runner) -> None:
    """If a run resumes without naming a file, use the newest intact checkpoint of its work dir, or else start anew.

    Such a run has `resume='auto'`, or `resume=True` and no `load_from`. `load_from` names the weights to begin with.
    """
    if runner._resume != 'auto' and (not runner._resume or runner._load_from):
        return
    good, damaged = last_good_checkpoint(runner.work_dir)
    if damaged:
        then = f'resuming from {good}' if good else 'there is no other: starting from the beginning'
        runner.logger.warning(f'damaged checkpoints, skipped: {", ".join(map(str, damaged))}; {then}')
    elif not good:
        runner.logger.info(f'{runner.work_dir} has no checkpoint to resume from: starting from the beginning')
    runner._resume = good is not None
    runner._load_from = str(good) if good else runner._load_from


def last_good_checkpoint(work_dir: str | Path) -> tuple[Path | None, list[Path]]:
    """The newest intact checkpoint of a run.

    The file noted in MMEngine's `last_checkpoint` is preferred. If the note or its file is missing or damaged (because
    the process died or the disk was full while writing), the newest file in the folder is used. Files are read
    completely and their checksums compared. `best_*` files have no optimizer state and cannot be resumed from.

    Returns:
        tuple[Path | None, list[Path]]: the checkpoint, or None, and the damaged files that were skipped.
    """
    work_dir = Path(work_dir)
    note = work_dir / NOTE
    # in a copied work dir, the noted path belongs to the original: try the file of that name here first, the path last
    noted = Path(note.read_text().strip()) if note.is_file() else Path()
    files = [file for pattern in ('epoch_*.pth', 'iter_*.pth', INTERRUPTED) for file in work_dir.glob(pattern)]
    files.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
    damaged: list[Path] = []
    for file in dict.fromkeys([work_dir / noted.name, *files, noted]):
        if file.is_file():
            if is_intact(file):
                return file, damaged
            damaged.append(file)
    return None, damaged


def schedule_differences(runner: Runner, checkpoint: Mapping[str, Any]) -> list[str]:
    """List the settings of a runner's config that a checkpoint replaces when the run is resumed from it.

    Returns:
        list[str]: Such as 'lr=0.02 (checkpoint: 0.01)', without duplicates; empty if there are several optimizers.
    """
    if not isinstance(runner.optim_wrapper, OptimWrapper) or not isinstance(runner.param_schedulers, list | None):
        return []
    settings = []
    saved = checkpoint['optimizer'].get('param_groups', [])
    for ours, theirs in zip(runner.optim_wrapper.optimizer.param_groups, saved, strict=False):
        for key in ours.keys() & theirs.keys() - {'params'}:
            if f'initial_{key}' not in ours:  # otherwise a scheduler has changed it
                settings.append((key.removeprefix('initial_'), ours[key], theirs[key]))
    schedulers, states = runner.param_schedulers or [], checkpoint.get('param_schedulers') or []
    if len(schedulers) != len(states):
        settings.append(('number of param_scheduler', len(schedulers), len(states)))
    for scheduler, state in zip(schedulers, states, strict=False):
        ours = scheduler.state_dict()
        for key in ours.keys() & state.keys() - {*PROGRESS, 'base_values', 'verbose'}:
            if not callable(ours[key]):
                settings.append((f'{type(scheduler).__name__}.{key}', ours[key], state[key]))
    return list(
        dict.fromkeys(f'{key}={ours} (checkpoint: {theirs})' for key, ours, theirs in settings if ours != theirs)
    )
