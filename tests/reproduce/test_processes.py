"""Processes that are stopped, and what is measured of them."""

import _thread
import signal
import sys
import threading
from pathlib import Path

from tiny_run import wait_until

from lcv_mm.reproduce.processes import ProcessPool

WAITS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
print("up", flush=True)
time.sleep(60)
"""


def python(code: str, tmp_path: Path, pool: ProcessPool | None = None, **env: str):
    return (pool or ProcessPool()).run([sys.executable, '-c', code], tmp_path / 'log', env, [])


def test_its_output_is_added_to_the_log_and_its_exit_code_returned(tmp_path):
    result = python('import os, sys; print(os.environ["CARD"]); sys.exit(3)', tmp_path, CARD='two')
    assert result.code == 3
    python('print(2)', tmp_path)
    assert (tmp_path / 'log').read_text() == 'two\n2\n'


def test_a_process_ended_by_a_signal_has_the_code_of_a_shell(tmp_path):
    assert python('import os, signal; os.kill(os.getpid(), signal.SIGKILL)', tmp_path).code == 128 + 9


def test_the_peak_is_that_of_the_process_and_not_of_the_one_before(tmp_path):
    pool = ProcessPool()
    size = 600 * 2**20
    wait = 'import time; time.sleep(0.5)'
    large = python(f'x = bytearray({size}); x[::4096] = b"1" * len(x[::4096]); {wait}', tmp_path, pool)
    small = python(wait, tmp_path, pool)
    assert size < large.peak_memory < size + 100 * 2**20
    assert 2**20 < small.peak_memory < 100 * 2**20


def says_something(log: Path) -> bool:
    return log.is_file() and bool(log.read_text())


def test_stop_tells_all_that_run_once_and_starts_no_more(tmp_path):
    pool, codes = ProcessPool(), {}

    def run(name):
        folder = tmp_path / name
        folder.mkdir()
        codes[name] = python(WAITS, folder, pool).code

    threads = [threading.Thread(target=run, args=(name,)) for name in 'ab']
    for thread in threads:
        thread.start()
    wait_until(lambda: all(says_something(tmp_path / name / 'log') for name in 'ab'))
    pool.stop()
    pool.stop()  # the second does nothing: a second signal would kill a trainer that is saving
    for thread in threads:
        thread.join()
    assert codes == {'a': 75, 'b': 75}
    assert python('print("never")', tmp_path, pool).code == 75
    assert not (tmp_path / 'log').read_text()


def test_an_interrupt_in_the_wait_stops_the_process_and_waits_for_it(tmp_path, interrupts):
    interrupts(signal.default_int_handler)

    def interrupt():
        wait_until(lambda: says_something(tmp_path / 'log'))
        _thread.interrupt_main()

    saves = WAITS.replace('sys.exit(75)', '(time.sleep(0.5), print("saved", flush=True), sys.exit(75))')
    threading.Thread(target=interrupt).start()
    pool = ProcessPool()
    result = python(saves, tmp_path, pool)
    assert (result.code, pool.stopping.is_set()) == (75, True)
    assert result.seconds > 0.5
    assert (tmp_path / 'log').read_text() == 'up\nsaved\n'
