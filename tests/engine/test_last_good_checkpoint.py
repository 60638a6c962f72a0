import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from lcv_mm.engine import last_good_checkpoint, resume_from_last_good


def save(file: Path, age: int) -> Path:
    """A checkpoint `age` seconds old."""
    torch.save({'state_dict': {'weight': torch.arange(1000.0)}}, file)
    os.utime(file, (1e9 - age, 1e9 - age))
    return file


def damage(file: Path, how: str) -> None:
    content = bytearray(file.read_bytes())
    if how == 'cut off':
        file.write_bytes(content[:-200])
    elif how == 'one bit':
        content[content.index(torch.arange(1000.0).numpy().tobytes()) + 1234] ^= 1
        file.write_bytes(content)
    else:
        file.write_bytes(b'')


def test_the_noted_one_comes_first(tmp_path):
    old = save(tmp_path / 'epoch_3.pth', age=9)
    save(tmp_path / 'epoch_1.pth', age=1)  # copied later
    (tmp_path / 'last_checkpoint').write_text(f'{old}\n')
    assert last_good_checkpoint(tmp_path) == (old, [])


@pytest.mark.parametrize('how', ['cut off', 'one bit', 'empty'])
def test_a_damaged_one_is_passed_over_and_named(tmp_path, how):
    newest = save(tmp_path / 'interrupted.pth', age=1)
    older = save(tmp_path / 'epoch_2.pth', age=2)
    save(tmp_path / 'epoch_1.pth', age=3)
    (tmp_path / 'last_checkpoint').write_text(str(newest))
    damage(newest, how)
    assert last_good_checkpoint(tmp_path) == (older, [newest])


@pytest.mark.parametrize('note', ['', '/moved/work_dir/epoch_1.pth', None])
def test_without_a_useful_note_the_newest_is_taken(tmp_path, note):
    if note is not None:
        (tmp_path / 'last_checkpoint').write_text(note)
    save(tmp_path / 'epoch_1.pth', age=2)
    newest = save(tmp_path / 'iter_30.pth', age=1)
    save(tmp_path / 'best_accuracy_top1_epoch_1.pth', age=0)  # has no optimizer
    (tmp_path / 'epoch_2.pth.part').write_bytes(b'half')  # what a killed process leaves
    assert last_good_checkpoint(tmp_path) == (newest, [])


def test_a_new_run_has_none(tmp_path):
    assert last_good_checkpoint(tmp_path) == (None, [])
    assert last_good_checkpoint(tmp_path / 'not_made_yet') == (None, [])


def test_a_config_that_resumes_gets_the_file(tmp_path, capsys):
    good = save(tmp_path / 'epoch_1.pth', age=2)
    bad = save(tmp_path / 'epoch_2.pth', age=1)
    damage(bad, 'cut off')
    cfg = Config(dict(work_dir=str(tmp_path), resume=True, load_from=None))
    resume_from_last_good(cfg)
    assert f'passed over: {bad}; resuming from {good}' in capsys.readouterr().out
    assert (cfg.resume, cfg.load_from) == (True, str(good))


def test_a_config_that_resumes_with_nothing_there_starts_at_the_beginning(tmp_path):
    cfg = Config(dict(work_dir=str(tmp_path), resume=True))
    resume_from_last_good(cfg)
    assert (cfg.resume, cfg.load_from) == (False, None)


@pytest.mark.parametrize('settings', [dict(resume=False, load_from=None), dict(resume=True, load_from='mine.pth')])
def test_a_config_that_says_what_it_wants_is_left_alone(tmp_path, settings):
    save(tmp_path / 'epoch_1.pth', age=1)
    cfg = Config(dict(work_dir=str(tmp_path), **settings))
    resume_from_last_good(cfg)
    assert {key: cfg[key] for key in settings} == settings
