"""Which checkpoint is resumed from; a run that is stopped, in whatever way, and resumed ends as one that was not."""

import logging
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import LinearLR, OptimWrapper
from tiny_run import start_tool, wait_until

from lcv_mm.engine import EXIT_TRY_AGAIN, SafeCheckpointHook, last_good_checkpoint, resume_from_last_good
from lcv_mm.engine.resume import schedule_differences
from lcv_mm.visualization import read_scalars

EPOCHS = 3

# Everything that has a state: momentum, a schedule by iteration, an average of the weights, running statistics,
# dropout, augmentation in two workers that live on, pairs by a sampler, a best checkpoint.
CONFIG = """
from mmengine.config import read_base

with read_base():
    from lcv_mm.configs.birdlets.lcv_cbp_resnet18_birdlets64 import *

model.backbone.update(stem_channels=16, base_channels=16)
model.neck = [model.neck, dict(type='GlobalAveragePooling')]
model.head = dict(type='StackedLinearClsHead', num_classes=10, in_channels=128, mid_channels=[32], dropout_rate=0.5)
crop = dict(type='RandomResizedCrop', scale=64)
train_dataloader.dataset.pipeline[2:3] = [crop, dict(type='ColorJitter', brightness=0.4)]
train_dataloader.update(batch_size=4, num_workers=2)
val_dataloader.update(batch_size=1, num_workers=0)
for loader in (train_dataloader, val_dataloader):
    loader.dataset.update(data_root={data!r}, num_classes=10, train_per_class=4, test_per_class=2, image_size=64)
data_preprocessor.update(num_classes=10)
optim_wrapper.update(paramwise_cfg=None)
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max={epochs}, convert_to_iter_based=True)
train_cfg.update(max_epochs={epochs}, val_interval=1)
default_hooks.logger.update(interval=1)
default_hooks.checkpoint.update(interval=1, save_best='accuracy/top1')
custom_hooks += [dict(type='EMAHook', momentum=0.1)]
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp('resume') / 'config.py'
    file.write_text(CONFIG.format(data=str(file.parent / 'birdlets'), epochs=EPOCHS))
    return file


@pytest.fixture(scope='module')
def never_stopped(config: Path) -> dict:
    work_dir = config.parent / 'never_stopped'
    end(start(config, work_dir), work_dir)
    return final_state(work_dir)


def start(config: Path, work_dir: Path) -> BaseProcess:
    return start_tool(work_dir / 'output', 'train', config, '--work-dir', work_dir, '--resume')


def end(process: BaseProcess, work_dir: Path, code: int = 0) -> str:
    """All that the processes of this work dir have printed, once this one has ended as expected."""
    process.join(600)
    output = (work_dir / 'output').read_text()
    assert process.exitcode == code, output[-3000:]
    return output


def wait_for(process: BaseProcess, work_dir: Path, text: str) -> None:
    """Wait until this process has written `text`, or has ended."""

    def printed() -> int:
        return (work_dir / 'output').read_text().count(text) if (work_dir / 'output').exists() else 0

    already = printed()
    wait_until(lambda: not process.is_alive() or printed() > already)


def final_state(work_dir: Path) -> dict:
    """All that the run ends with: weights, averaged weights, momentum, the best checkpoint's name and weights."""
    last = torch.load(work_dir / f'epoch_{EPOCHS}.pth', weights_only=False)
    (best,) = work_dir.glob('best_*.pth')
    return {
        'weights': last['state_dict'],
        'averaged': last['ema_state_dict'],
        'momentum': last['optimizer']['state'],
        'rate': last['optimizer']['param_groups'][0]['lr'],
        'best': {best.name: torch.load(best, weights_only=False)['state_dict']},
    }


@pytest.mark.slow
def test_a_run_that_is_killed_in_training_and_in_validation_ends_the_same(config, never_stopped):
    """Killed between the save and the end of the validation, MMEngine alone goes on without that epoch's score."""
    work_dir = config.parent / 'killed'
    for waits in (['Epoch(train) [2][ 3/10]'], ['Saving checkpoint at 2 epochs', 'Epoch(val) [2][ 1/20]']):
        process = start(config, work_dir)
        for text in waits:
            wait_for(process, work_dir, text)
        os.killpg(process.pid, signal.SIGKILL)
        end(process, work_dir, -signal.SIGKILL)
    process = start(config, work_dir)
    wait_for(process, work_dir, 'Validating epoch 2 first')
    os.kill(process.pid, signal.SIGTERM)  # that validation, too, can be interrupted
    end(process, work_dir, EXIT_TRY_AGAIN)
    assert 'Validating epoch 2 first' in end(start(config, work_dir), work_dir)
    torch.testing.assert_close(final_state(work_dir), never_stopped, rtol=0, atol=0)


@pytest.mark.slow
def test_a_run_that_is_told_to_stop_goes_on_in_the_middle_of_the_epoch(config, never_stopped):
    work_dir = config.parent / 'told'
    # to the process alone (docker, kill), to it and its workers (Ctrl-C, a cluster)
    for send, number in ((os.kill, signal.SIGTERM), (os.killpg, signal.SIGINT)):
        process = start(config, work_dir)
        wait_for(process, work_dir, 'Epoch(train)')  # early: an epoch takes a tenth of a second
        send(process.pid, number)
        end(process, work_dir, EXIT_TRY_AGAIN)
        assert last_good_checkpoint(work_dir) == (work_dir / 'interrupted.pth', [])
    stopped_at = torch.load(work_dir / 'interrupted.pth', weights_only=False)['meta']
    output = end(start(config, work_dir), work_dir)
    assert f'resumed epoch: {stopped_at["epoch"]}, iter: {stopped_at["iter"]}' in output
    assert 'Traceback' not in output
    assert output.count('Epoch(train)') == 10 * EPOCHS  # no iteration was lost, none done twice
    torch.testing.assert_close(final_state(work_dir), never_stopped, rtol=0, atol=0)
    assert not (work_dir / 'interrupted.pth').exists()


@pytest.fixture(scope='module')
def without_workers(config: Path) -> Path:
    file = config.with_name('without_workers.py')
    file.write_text(config.read_text().replace('num_workers=2', 'num_workers=0'))
    return file


@pytest.mark.slow
def test_a_full_disk_is_one_message_and_leaves_the_checkpoint_before(without_workers, run_here, tmp_path):
    (tmp_path / 'epoch_2.pth.part').symlink_to('/dev/full')  # the kernel's own "No space left on device"
    ended = run_here('train', without_workers, '--work-dir', tmp_path, check=False)
    assert ended.returncode == 1
    assert f'error: {tmp_path}/epoch_2.pth: ' in ended.stderr
    assert 'No space left on device' in ended.stderr
    assert last_good_checkpoint(tmp_path) == (tmp_path / 'epoch_1.pth', [])


@pytest.mark.slow
def test_a_longer_schedule_is_named_and_not_taken(config, without_workers, never_stopped, run_here):
    short, work_dir = config.with_name('short.py'), config.parent / 'named'
    short.write_text(
        without_workers.read_text().replace(f'T_max={EPOCHS}', 'T_max=2').replace(f'epochs={EPOCHS}', 'epochs=2')
    )
    run_here('train', short, '--work-dir', work_dir)
    run_here('train', without_workers, '--work-dir', work_dir, '--resume')
    assert 'CosineAnnealingLR.T_max=30 (checkpoint: 20)' in ''.join(f.read_text() for f in work_dir.glob('*/*.log'))
    expected = rates(config.parent / 'never_stopped')
    found = {step: rate for step, rate in rates(work_dir).items() if step > 20}
    assert len(found) == 10
    assert any(rate != pytest.approx(expected[step]) for step, rate in found.items())


def rates(work_dir: Path) -> dict[int, float]:
    """The learning rate of each iteration."""
    return {record['step']: record['lr'] for record in read_scalars(work_dir) if 'lr' in record}


@pytest.mark.parametrize('scheduled', [False, True])
def test_another_learning_rate_and_weight_decay_are_named(scheduled):
    def sgd(lr: float, decay: float) -> tuple[torch.optim.SGD, list[LinearLR]]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr, weight_decay=decay)
        return optimizer, [LinearLR(optimizer, start_factor=0.1, end=5)] if scheduled else []

    optimizer, schedulers = sgd(0.5, 0.25)
    runner = SimpleNamespace(optim_wrapper=OptimWrapper(optimizer), param_schedulers=schedulers)
    for lr, decay, expected in (
        (0.125, 0.75, {'lr=0.5 (checkpoint: 0.125)', 'weight_decay=0.25 (checkpoint: 0.75)'}),
        (0.5, 0.25, set()),
    ):
        saved, schedules = sgd(lr, decay)
        for schedule in schedules:  # the rate that it has reached is no difference
            saved.step()
            schedule.step()
        checkpoint = dict(optimizer=saved.state_dict(), param_schedulers=[s.state_dict() for s in schedules])
        assert set(schedule_differences(runner, checkpoint)) == expected


def save(file: Path, age: int) -> Path:
    """A checkpoint `age` seconds old."""
    file.parent.mkdir(exist_ok=True)
    torch.save({'state_dict': {'weight': torch.arange(1000.0)}}, file)
    os.utime(file, (1e9 - age, 1e9 - age))
    return file


def test_a_copied_run_goes_on_from_its_own_file_and_leaves_the_originals(tmp_path):
    noted = save(tmp_path / 'a/epoch_2.pth', age=2)
    for folder in ('a', 'b', 'c'):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / 'last_checkpoint').write_text(str(noted))
    own = save(tmp_path / 'b/epoch_2.pth', age=9)
    newer = save(tmp_path / 'b/epoch_1.pth', age=1)  # copied later
    assert last_good_checkpoint(tmp_path / 'b') == (own, [])
    own.unlink()
    assert last_good_checkpoint(tmp_path / 'b') == (newer, [])
    assert last_good_checkpoint(tmp_path / 'c') == (noted, [])  # as with CheckpointHook's `out_dir`

    best = save(tmp_path / 'a/best_accuracy_top1_epoch_1.pth', age=3)
    hub = MessageHub.get_instance('copied')
    hub.update_info('best_ckpt', str(best))
    hook = SafeCheckpointHook(interval=1, save_best='accuracy/top1', rule='greater')
    parts = dict(message_hub=hub, hooks=[], model=torch.nn.Linear(1, 1), logger=logging.getLogger())
    runner = SimpleNamespace(work_dir=str(tmp_path / 'b'), **parts)
    hook.before_train(runner)
    assert hook.best_ckpt_path == str(tmp_path / 'b' / best.name)  # MMEngine deletes it for a better one


def test_a_damaged_one_is_passed_over_and_named(tmp_path):
    older = save(tmp_path / 'epoch_2.pth', age=2)
    save(tmp_path / 'epoch_1.pth', age=3)
    newest = save(tmp_path / 'interrupted.pth', age=1)
    (tmp_path / 'last_checkpoint').write_text(str(newest))
    content = newest.read_bytes()
    flipped = bytearray(content)
    flipped[content.index(torch.arange(1000.0).numpy().tobytes()) + 1234] ^= 1
    for damaged in (content[:-200], flipped, b''):
        newest.write_bytes(damaged)
        assert last_good_checkpoint(tmp_path) == (older, [newest])


def test_without_a_useful_note_the_newest_is_taken(tmp_path):
    save(tmp_path / 'epoch_1.pth', age=2)
    newest = save(tmp_path / 'iter_30.pth', age=1)
    save(tmp_path / 'best_accuracy_top1_epoch_1.pth', age=0)  # has no optimizer
    (tmp_path / 'epoch_2.pth.part').write_bytes(b'half')  # what a killed process leaves
    assert last_good_checkpoint(tmp_path) == (newest, [])
    for note in ('', '/moved/work_dir/epoch_7.pth'):
        (tmp_path / 'last_checkpoint').write_text(note)
        assert last_good_checkpoint(tmp_path) == (newest, [])


def test_a_run_that_resumes_gets_the_file_or_starts_at_the_beginning(tmp_path, caplog):
    def resumed(resume: bool = True, load_from: str | None = None) -> tuple[bool, str | None]:
        logger = logging.getLogger('run')
        runner = SimpleNamespace(work_dir=str(tmp_path / 'run'), _resume=resume, _load_from=load_from, logger=logger)
        resume_from_last_good(runner)
        return runner._resume, runner._load_from

    assert resumed() == (False, None)
    good = save(tmp_path / 'run/epoch_1.pth', age=2)
    bad = save(tmp_path / 'run/epoch_2.pth', age=1)
    bad.write_bytes(bad.read_bytes()[:-200])
    assert resumed() == (True, str(good))
    assert f'skipped: {bad}; resuming from {good}' in caplog.text
    assert resumed(resume=False) == (False, None)  # what was asked for stays
    assert resumed(load_from='mine.pth') == (True, 'mine.pth')
