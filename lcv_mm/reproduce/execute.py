"""Train and test one run, or continue it, and write its record."""

import fcntl
import json
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, NamedTuple

from ..engine import EXIT_TRY_AGAIN, last_good_checkpoint, write_atomically
from ..errors import UserFacingError
from ..launch import load_config, type_name
from ..visualization import read_curves, read_scalars
from .plan import RunSpec, check_settings
from .processes import ProcessPool, ProcessResult
from .record import (
    BUSY,
    FAILED,
    FINISHED,
    RECORD,
    SETTINGS,
    STOPPED,
    Record,
    count_images,
    count_parameters,
    git_state,
    machine,
    read_record,
    versions,
    write_record,
)

# while MMEngine reads a pure-Python config, a flag of ConfigDict is set for all threads
_READING = threading.Lock()

LAST_LINES = 20  # of a failed process that are kept
COST = 'cost.json'


class Outcome(NamedTuple):
    """How a run ended: 'finished', 'failed', 'stopped' or 'busy', and a few words on it."""

    status: str
    words: str = ''


class _Stopped(Exception):
    """The trainer or the test was stopped."""


def execute(spec: RunSpec, pool: ProcessPool, env: Mapping[str, str]) -> Outcome:
    """Train a run, test its final checkpoint and write its record; finished parts are not repeated.

    Args:
        spec (RunSpec): The run.
        pool (ProcessPool): Where its processes run; once it is stopped, so is the run.
        env (Mapping[str, str]): Variables for its processes, such as CUDA_VISIBLE_DEVICES.

    Returns:
        Outcome: 'finished' or 'failed', as in the record; 'stopped' if there is more to do, because the pool or the
        trainer itself was stopped; 'busy' if another process trains the run. Whatever error the run meets is its
        failure.
    """
    if pool.stopping.is_set():
        return Outcome(STOPPED)
    try:
        with _locked(spec.folder) as lock:
            if lock is None:
                return Outcome(BUSY, f'another process is training in {spec.folder}')
            record = read_record(spec.folder)
            if record is None or record.status != FINISHED:
                record = Record(spec.config.stem, spec.seed, spec.options, spec.amp)
                try:
                    _train_and_test(spec, record, pool, env, lock)
                except _Stopped:
                    return Outcome(STOPPED)
                except Exception as error:
                    record.error = str(error) if isinstance(error, UserFacingError) else traceback.format_exc()
                record.ended = datetime.now(timezone.utc).isoformat(timespec='seconds')
                write_record(spec.folder, record)
            return Outcome(record.status, record.error or f'{record.result:.2f} %')
    except Exception as error:  # no folder could be made, or no record written
        return Outcome(FAILED, f'{type(error).__name__}: {error}')


@contextmanager
def _locked(folder: Path) -> Iterator[IO | None]:
    """Lock the folder of a run, which is created if absent; yield None if another process holds the lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / '.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


def _train_and_test(spec: RunSpec, record: Record, pool: ProcessPool, env: Mapping[str, str], lock: IO) -> None:
    """Fill in the record as far as the run comes; UserFacingError if it fails, _Stopped if it is stopped."""

    def run(tool: str, *args: object) -> ProcessResult:
        command = [sys.executable, str(spec.tools / f'{tool}.py'), *map(str, args)]
        # the processes hold the lock as well: should this one be killed, none is started beside them
        return pool.run(command, spec.folder / f'{tool}.log', env, keep_open=[lock])

    def check(result: ProcessResult, tool: str) -> None:
        if result.code == EXIT_TRY_AGAIN or (result.code != 0 and pool.stopping.is_set()):
            raise _Stopped
        if result.code:
            raise UserFacingError(_last_lines(spec.folder / f'{tool}.log', result.code))

    with _READING:
        settings = check_settings(spec)
    write_atomically(spec.folder / SETTINGS, json.dumps(settings, indent=2) + '\n')
    record.machine, record.versions, record.git = machine(), versions(), git_state(spec.config.parent)
    (spec.folder / RECORD).unlink(missing_ok=True)  # it failed earlier; should it be stopped, it is half-way

    options = [f'{key}={value}' for key, value in spec.settings.items()]
    more = [*(['--amp'] if spec.amp else []), *([f'--data={spec.data}'] if spec.data else [])]
    result = run('train', spec.config, f'--work-dir={spec.folder}', '--resume', *more, '--cfg-options', *options)
    add_cost(spec.folder, record, result)
    check(result, 'train')
    checkpoint, _ = last_good_checkpoint(spec.folder)
    if checkpoint is None:
        raise UserFacingError(f'training ended without an error, but left no intact checkpoint in {spec.folder}')
    record.checkpoint = checkpoint.name
    config = spec.folder / spec.config.name  # as it was run
    cfg = load_config(config)
    record.dataset = type_name(cfg.train_dataloader.dataset)
    curves = read_curves(spec.folder)
    if classes := cfg.model.get('head', {}).get('num_classes', 0):
        record.num_classes, record.cross_entropy = classes, curves.get('loss_cls', curves['loss'])[-1][1]

    file = spec.folder / 'test.json'
    work_dir = spec.folder / 'test'
    check(run('test', config, checkpoint, f'--work-dir={work_dir}', f'--out={file}', '--out-item=metrics'), 'test')
    metrics = json.loads(file.read_text())
    if metrics.get(record.metric) is None:  # null where it is not finite
        raise UserFacingError(
            f'the test measured {", ".join(metrics) or "nothing"}; expected {record.metric} among it, which is what is '
            'reported: give test_evaluator the metric that measures it'
        )
    record.images, record.parameters = count_images(cfg), count_parameters(cfg)
    record.metrics, record.status = metrics, FINISHED


def _last_lines(log: Path, code: int) -> str:
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()][-LAST_LINES:]
    errors = [i for i, line in enumerate(lines) if line.startswith('error: ')]  # a tool's own, which says it all
    return '\n'.join([f'exit code {code}', *(lines[errors[-1] :] if errors else lines)])


def add_cost(folder: Path, record: Record, session: ProcessResult) -> None:
    """Record the time and memory of training: those of this session and those of earlier ones, kept in `cost.json`."""
    file = folder / COST
    before = json.loads(file.read_text()) if file.is_file() else {'seconds': 0, 'memory': 0}
    record.seconds = before['seconds'] + session.seconds
    record.peak_memory = {'cpu': max(before['memory'], session.peak_memory)}
    write_atomically(file, json.dumps({'seconds': record.seconds, 'memory': record.peak_memory['cpu']}))
    if gpu := max((logged.get('memory', 0) for logged in read_scalars(folder)), default=0):
        record.peak_memory['gpu'] = gpu * 2**20  # MMEngine logs MiB, of torch's allocator
