"""Birdlets: written once, in CUB's layout, and read as CUB is."""

import contextlib
import io
import os
import signal
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
from tiny_run import FORKS

from lcv_mm.datasets.birdlets import Birdlets, BirdletsSettings, generate_birdlets
from lcv_mm.datasets.birdlets import dataset as birdlets_module
from lcv_mm.datasets.birdlets.dataset import birdlet
from lcv_mm.errors import ConfigError, DataError

SMALL = dict(num_classes=3, train_per_class=2, test_per_class=1, image_size=48)
SETTINGS = BirdletsSettings(**SMALL)


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> Path:
    """A small dataset; tests only read it."""
    return generate_birdlets(tmp_path_factory.mktemp('data') / 'birdlets', SETTINGS)


def contents(root: Path) -> dict[str, bytes]:
    """All files below a folder and their bytes."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


def test_the_lists_are_as_in_cub(whole):
    names = [
        f'{folder}/{folder[4:]}_{number:04d}.jpg'
        for folder in ('001.Plain_Birdlet', '002.Crested_Birdlet', '003.Capped_Birdlet')
        for number in (1, 2, 3)
    ]
    assert (whole / 'images.txt').read_text().splitlines() == [f'{i} {name}' for i, name in enumerate(names, 1)]
    assert (whole / 'image_class_labels.txt').read_text() == '1 1\n2 1\n3 1\n4 2\n5 2\n6 2\n7 3\n8 3\n9 3\n'
    assert (whole / 'train_test_split.txt').read_text() == '1 0\n2 1\n3 1\n4 0\n5 1\n6 1\n7 0\n8 1\n9 1\n'
    assert (whole / 'classes.txt').read_text() == '1 001.Plain_Birdlet\n2 002.Crested_Birdlet\n3 003.Capped_Birdlet\n'
    lists = {'images.txt', 'image_class_labels.txt', 'train_test_split.txt', 'classes.txt', 'birdlets.json'}
    assert contents(whole).keys() == lists | {f'images/{name}' for name in names}


def test_a_folder_with_other_settings_is_refused_and_left_as_it_is(whole):
    before = contents(whole)
    with pytest.raises(DataError, match=f'{whole} does not hold .*num_classes=4.*seed=7.*, see {whole}/birdlets.json'):
        Birdlets(str(whole), **{**SMALL, 'num_classes': 4}, seed=7)
    assert contents(whole) == before


def test_a_number_out_of_range_is_an_error_before_anything_is_drawn(tmp_path):
    with pytest.raises(ConfigError, match='num_classes=21, but Birdlets has 20 species'):
        Birdlets(str(tmp_path / 'birdlets'), num_classes=21)
    assert not list(tmp_path.iterdir())


def draw_when_all_are_ready(root: Path, barrier: Barrier, shown: Queue) -> None:
    """Draw the small dataset and hand back what was printed."""
    barrier.wait(timeout=60)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        generate_birdlets(root, SETTINGS)
    shown.put(printed.getvalue())


def draw_and_be_killed_in_the_second_class(root: Path) -> None:
    def draw_or_die(class_index: int, *rest: int) -> np.ndarray:
        if class_index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return birdlet(class_index, *rest)

    birdlets_module.birdlet = draw_or_die
    generate_birdlets(root, SETTINGS)


def test_three_processes_that_start_at_once_make_one_whole_dataset(whole, tmp_path):
    barrier, shown = FORKS.Barrier(3), FORKS.Queue()
    workers = [
        FORKS.Process(target=draw_when_all_are_ready, args=(tmp_path / 'birdlets', barrier, shown)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    texts = [shown.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sum('Drawing Birdlets' in text for text in texts) == 1
    assert contents(tmp_path / 'birdlets') == contents(whole)
    assert {path.name for path in tmp_path.iterdir()} <= {'birdlets', '.birdlets.lock'}


def test_what_a_killed_process_left_is_neither_used_nor_in_the_way(whole, tmp_path):
    killed = FORKS.Process(target=draw_and_be_killed_in_the_second_class, args=(tmp_path / 'birdlets',))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not (tmp_path / 'birdlets').exists()
    assert len(list((tmp_path / '.birdlets.partial').rglob('*.jpg'))) == 3  # the first class, and no more
    assert len(Birdlets(str(tmp_path / 'birdlets'), **SMALL)) == 6
    assert contents(tmp_path / 'birdlets') == contents(whole)
    assert not (tmp_path / '.birdlets.partial').exists()
