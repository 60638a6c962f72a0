"""Train and test one run, or continue it, and write its record."""

import fcntl
import json
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, NamedTuple

from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS

from ..engine import EXIT_TRY_AGAIN, last_good_checkpoint, write_atomically
from ..engine.loss_hooks import is_cross_entropy
from ..errors import DataError, UserFacingError
from ..launch import load_config, type_name
from ..visualization import read_curves, read_scalars
from .plan import RunSpec, check_settings
from .record import (
    BUSY,
    FAILED,
    FINISHED,
    RECORD_FILE,
    SETTINGS_FILE,
    STOPPED,
    Record,
    git_state,
    machine,
    read_record,
    versions,
    write_record,
)

# while MMEngine reads a pure-Python config, it sets a flag of ConfigDict for all threads
_READING = threading.Lock()


class Outcome(NamedTuple):
    """How a run ended ('finished', 'failed', 'stopped' or 'busy'), and a short explanation."""

    status: str
    message: str = ''


class _Stopped(Exception):
    """The trainer or the test was stopped."""


def execute(spec: RunSpec, stop: threading.Event, env: Mapping[str, str]) -> Outcome:
    """Train a run, test its final checkpoint and write its record; finished parts are not repeated.

    When `stop` is set, the run is saved and stopped. `env` is added to the environment of its processes.

    Returns:
        Outcome: 'finished' or 'failed', as in the record; 'stopped' if the run is incomplete because `stop` was set or
        its trainer was stopped; 'busy' if another process is training it.
    """
    if stop.is_set():
        return Outcome(STOPPED)
    try:
        spec.folder.mkdir(parents=True, exist_ok=True)
        with (spec.folder / '.lock').open('w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            record = read_record(spec.folder)
            if record is None or record.status != FINISHED:
                record = Record(spec.config.stem, spec.seed, spec.options, spec.amp)
                try:
                    _train_and_test(spec, record, lock, stop, env)
                except _Stopped:
                    return Outcome(STOPPED)
                except Exception as error:
                    record.error = str(error) if isinstance(error, UserFacingError) else traceback.format_exc()
                record.ended = datetime.now(timezone.utc).isoformat(timespec='seconds')
                write_record(spec.folder, record)
            return Outcome(record.status, record.error or f'{record.result:.2f} %')
    except BlockingIOError:
        return Outcome(BUSY, f'another process is training in {spec.folder}')
    except Exception as error:  # the folder could not be created, or the record not written
        return Outcome(FAILED, f'{type(error).__name__}: {error}')


def _train_and_test(spec: RunSpec, record: Record, lock: IO, stop: threading.Event, env: Mapping[str, str]) -> None:
    """Run both tools and fill in the record; raise UserFacingError if the run fails, _Stopped if it is stopped."""

    def run(tool: str, *args: object) -> None:
        command = [sys.executable, str(spec.tools / f'{tool}.py'), *map(str, args)]
        log = spec.folder / f'{tool}.log'
        started = time.monotonic()
        code, peak_memory = run_process(command, log, env, lock, stop)
        if tool == 'train':
            add_cost(spec.folder, record, time.monotonic() - started, peak_memory)
        if code == EXIT_TRY_AGAIN or (code and stop.is_set()):
            raise _Stopped
        if code:
            lines = log.read_text(errors='replace').splitlines()[-20:]
            raise UserFacingError('\n'.join([f'exit code {code}', *lines]))

    with _READING:
        settings = check_settings(spec)
    write_atomically(spec.folder / SETTINGS_FILE, json.dumps(settings, indent=2) + '\n')
    record.machine, record.versions, record.git = machine(), versions(), git_state(spec.config.parent)
    (spec.folder / RECORD_FILE).unlink(
        missing_ok=True
    )  # of an earlier failure; if the run is stopped now, it is unfinished

    options = [f'{key}={value}' for key, value in spec.settings.items()]
    more = [*(['--amp'] if spec.amp else []), *([f'--data={spec.data}'] if spec.data else [])]
    run('train', spec.config, f'--work-dir={spec.folder}', '--resume', *more, '--cfg-options', *options)
    checkpoint, _ = last_good_checkpoint(spec.folder)
    if checkpoint is None:
        raise UserFacingError(f'training ended without an error, but left no intact checkpoint in {spec.folder}')
    record.checkpoint = checkpoint.name
    config = spec.folder / spec.config.name  # with the options of the run
    cfg = load_config(config)
    record.dataset = type_name(cfg.train_dataloader.dataset)

    file = spec.folder / 'test.json'
    run('test', config, checkpoint, f'--work-dir={spec.folder / "test"}', f'--out={file}', '--out-item=metrics')
    record.metrics = json.loads(file.read_text())
    if record.metrics.get(record.metric) is None:  # null if it is not finite
        measured = ', '.join(record.metrics) or 'nothing'
        raise UserFacingError(f'the test measured {measured}; expected {record.metric} in the test_evaluator')
    init_default_scope(cfg.get('default_scope') or 'mmpretrain')  # as the Runner does, for names in wrappers
    loaders = dict(train=cfg.train_dataloader, test=cfg.test_dataloader)
    record.images = {split: len(DATASETS.build(loader.dataset)) for split, loader in loaders.items()}
    model = MODELS.build(cfg.model)
    record.parameters = sum(parameter.numel() for parameter in model.parameters())
    classes = cfg.model.get('head', {}).get('num_classes', 0)
    if classes and is_cross_entropy(model.head):
        with suppress(DataError):  # it logs with other backends than LocalVisBackend
            curves = read_curves(spec.folder)
            record.num_classes, record.cross_entropy = classes, curves.get('loss_cls', curves['loss'])[-1][1]
    record.status = FINISHED


def run_process(
    command: Sequence[str], log: Path, env: Mapping[str, str], lock: IO, stop: threading.Event
) -> tuple[int, int]:
    """Run a command and append its output to a log; when `stop` is set, send it one SIGTERM.

    The command runs in a session of its own: Ctrl-C in the terminal would otherwise reach it, too, and a trainer stops
    at once on a second signal. It also holds the lock, so the run stays locked if this process is killed.

    Returns:
        tuple[int, int]: exit code, and peak memory in bytes without that of the loaders' workers.
    """
    with log.open('ab') as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )
    try:
        peak = _wait(process, stop)
    except BaseException as error:
        stop.set()
        peak = _wait(process, stop)
        # Ray and submitit's local mode cancel with KeyboardInterrupt; a preempted job of submitit gets SystemExit
        if not isinstance(error, KeyboardInterrupt):
            raise
    return process.returncode, peak


def _wait(process: subprocess.Popen, stop: threading.Event) -> int:
    """Wait for a process and return its peak memory. Polls, because Ray cannot interrupt a system call."""
    peak, terminated = 0, False
    while process.poll() is None:
        if stop.is_set() and not terminated:
            process.terminate()
            terminated = True
        with suppress(OSError):  # only Linux has /proc
            largest = re.search(r'VmHWM:\s*(\d+) kB', Path(f'/proc/{process.pid}/status').read_text())
            peak = int(largest[1]) * 1024 if largest else peak
        time.sleep(0.1)
    return peak


def add_cost(folder: Path, record: Record, seconds: float, memory: int) -> None:
    """Record the time and peak memory of training over all sessions, which `cost.json` keeps."""
    file = folder / 'cost.json'
    before = json.loads(file.read_text()) if file.is_file() else {'seconds': 0, 'memory': 0}
    record.seconds = before['seconds'] + seconds
    record.peak_memory = {'cpu': max(before['memory'], memory)}
    write_atomically(file, json.dumps({'seconds': record.seconds, 'memory': record.peak_memory['cpu']}))
    if gpu := max((logged.get('memory', 0) for logged in read_scalars(folder)), default=0):
        record.peak_memory['gpu'] = gpu * 2**20  # MMEngine logs MiB, of torch's allocator
