"""A run and its processes: how they are started, stopped and measured."""

import _thread
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from tiny_run import wait_until

from lcv_mm.reproduce import make_specs
from lcv_mm.reproduce.execute import add_cost, execute, run_process
from lcv_mm.reproduce.plan import RunSpec, state
from lcv_mm.reproduce.record import Record, read_record

CONFIGS = Path(__file__).parents[2] / 'configs'
SAVES = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told", flush=True), time.sleep(0.5), print("saved"), sys.exit(75)))
print("up", flush=True)
time.sleep(60)
"""


def python(code: str, tmp_path: Path, stop: Event | None = None, **env: str) -> tuple[int, int]:
    with (tmp_path / '.lock').open('w') as lock:
        return run_process([sys.executable, '-c', code], tmp_path / 'log', env, lock, stop or Event())


def test_its_output_is_added_to_the_log_and_its_exit_code_returned(tmp_path):
    code, _ = python('import os, sys; print(os.environ["CARD"]); sys.exit(3)', tmp_path, CARD='two')
    assert code == 3
    python('print(2)', tmp_path)
    assert (tmp_path / 'log').read_text() == 'two\n2\n'


def test_the_peak_is_that_of_the_process_and_not_of_the_one_before(tmp_path):
    size = 600 * 2**20
    wait = 'import time; time.sleep(2)'
    _, large = python(f'x = bytearray({size}); x[::4096] = b"1" * len(x[::4096]); {wait}', tmp_path)
    _, small = python(wait, tmp_path)
    assert size < large < size + 100 * 2**20
    assert 2**20 < small < 100 * 2**20


@pytest.mark.parametrize('tell', [Event.set, lambda stop: _thread.interrupt_main()], ids=['event', 'interrupt'])
def test_a_process_is_told_once_to_stop_and_waited_for(tell: Callable[[Event], None], tmp_path, interrupts):
    interrupts(signal.default_int_handler)
    stop, log = Event(), tmp_path / 'log'

    def tell_it() -> None:
        wait_until(lambda: log.is_file() and bool(log.read_text()))
        tell(stop)

    Thread(target=tell_it).start()
    code, _ = python(SAVES, tmp_path, stop)
    assert (code, stop.is_set()) == (75, True)
    assert log.read_text() == 'up\ntold\nsaved\n'  # a second signal would kill a trainer that is saving


def a_run(tmp_path: Path, *options: str, **settings) -> RunSpec:
    (tmp_path / 'tools').mkdir()
    config = CONFIGS / 'birdlets/cbp_resnet18_birdlets64.py'
    (spec,) = make_specs([config], [3], tmp_path / 'runs', tmp_path / 'tools', options, **dict(amp=False) | settings)
    return spec


def test_a_run_is_the_ordinary_trainer_with_its_seed_and_options(tmp_path):
    spec = a_run(tmp_path, 'train_dataloader.dataset.seed={seed}', amp=True, data='/images')
    assert spec.options == {'train_dataloader.dataset.seed': '{seed}'}  # the seeds of one setting are averaged
    (spec.tools / 'train.py').write_text('import sys; print(*sys.argv[1:]); sys.exit(1)')
    execute(spec, Event(), {})
    assert (spec.folder / 'train.log').read_text().split() == [
        *(str(spec.config), f'--work-dir={spec.folder}', '--resume', '--amp', '--data=/images', '--cfg-options'),
        *('train_dataloader.dataset.seed=3', 'randomness.seed=3'),
    ]


def test_times_add_up_over_sessions_and_the_largest_memory_counts(tmp_path):
    add_cost(tmp_path, Record('cbp', 0, {}, amp=False), 10.0, 300)
    last = Record('cbp', 0, {}, amp=False)
    add_cost(tmp_path, last, 5.5, 200)
    assert (last.seconds, last.peak_memory) == (15.5, {'cpu': 300})


def train(spec: RunSpec, code: int) -> str:
    """Execute a run whose trainer is a script with this exit code."""
    (spec.tools / 'train.py').write_text(f'raise SystemExit({code})')
    return execute(spec, Event(), {}).status


def test_a_failed_run_that_was_tried_again_and_stopped_is_not_listed_as_failed(tmp_path):
    spec = a_run(tmp_path)
    assert train(spec, 1) == 'failed'
    assert read_record(spec.folder).status == 'failed'
    assert state(spec) == 'failed, to be tried again'
    assert train(spec, 75) == 'stopped'
    assert read_record(spec.folder) is None
    assert state(spec) == 'to do'


def test_a_torn_line_in_the_log_ends_no_run_and_the_gpus_peak_is_the_largest_that_was_logged(tmp_path):
    spec = a_run(tmp_path)
    for day, lines in (('1', '{"step": 1, "memory": 9}\n{"step": 4, "epoch": 2, "memory": 7}'), ('2', '')):
        log = spec.folder / day / 'vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(lines + '\n{"step": 5, "ep')  # killed while it wrote
    assert state(spec) == 'unfinished (epoch 2)'
    assert train(spec, 1) == 'failed'
    assert read_record(spec.folder).peak_memory['gpu'] == 9 * 2**20
