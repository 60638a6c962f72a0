"""One run from its start, or from where it stood, to its record."""

import fcntl
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import IO, Any

from ..engine import EXIT_TRY_AGAIN, last_good_checkpoint, write_atomically
from ..errors import UserFacingError
from ..launch import type_name
from ..paper import metric_of
from ..visualization import read_curves, read_scalars
from .plan import RunSpec, hold_to_settings, run_config
from .processes import Children, Ended
from .record import (
    FAILED,
    FINISHED,
    OTHER,
    RECORD,
    Record,
    count_images,
    data_kind,
    git_state,
    machine,
    read_record,
    versions,
    write_record,
)

# MMEngine reads a pure-Python config with the whole process's imports made lazy: no other thread may import or read one
_READING = Lock()

STOPPED, BUSY = 'stopped', 'busy'  # besides a record's 'finished' and 'failed'
LAST_WORDS = 20  # lines of a failed process that are kept
SESSIONS = 'sessions.json'


class _Stopped(Exception):
    """The trainer or the test was told to stop."""


def execute(spec: RunSpec, children: Children, env: Mapping[str, str]) -> str:
    """Train a run, test its final checkpoint, write its record; what is done already stays done.

    Args:
        spec (RunSpec): The run.
        children (Children): Told to stop, it ends the run where it stands.
        env (Mapping[str, str]): Variables for its processes, such as CUDA_VISIBLE_DEVICES.

    Returns:
        str: 'finished' or 'failed', as in the record; 'stopped' if there is more to do, because `children` or the
        trainer itself was told to stop; 'busy' if another process is at it.
    """
    if children.told.is_set():
        return STOPPED
    with _locked(spec.folder) as lock:
        if lock is None:
            return BUSY
        done = read_record(spec.folder)
        if done is not None and done.status == FINISHED:
            return FINISHED
        facts: dict[str, Any] = dict(status=FAILED, data=OTHER, dataset='', images={})

        def run(command: list[str], log: str) -> Ended:
            # the processes hold the lock, too: should this one be killed, none is started beside them
            return children.run([sys.executable, *command], spec.folder / log, spec.cwd, env, keep_open=[lock])

        try:
            _train_and_test(spec, run, facts, children)
        except _Stopped:
            return STOPPED
        except Exception as error:  # the other runs go on
            facts['error'] = str(error) if isinstance(error, UserFacingError) else traceback.format_exc()
        ended = datetime.now(timezone.utc).isoformat(timespec='seconds')
        record = Record(spec.config.stem, spec.seed, options=spec.options, amp=spec.amp, ended=ended, **facts)
        write_record(spec.folder, record)
        return record.status


@contextmanager
def _locked(folder: Path) -> Iterator[IO | None]:
    """A lock on a run's folder, made if absent; None if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / '.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


def _train_and_test(
    spec: RunSpec, run: Callable[[list[str], str], Ended], facts: dict[str, Any], children: Children
) -> None:
    """Fill in what the record says, as far as the run comes; UserFacingError if it fails, _Stopped if it is stopped."""

    def check(ended: Ended, log: str) -> None:
        if ended.code == EXIT_TRY_AGAIN or (ended.code != 0 and children.told.is_set()):
            raise _Stopped
        if ended.code:
            raise UserFacingError(_last_words(spec.folder / log, ended))

    with _READING:
        cfg = run_config(spec)
        hold_to_settings(spec, cfg, write=True)
        facts |= dict(dataset=type_name(cfg.train_dataloader.dataset), machine=machine(), versions=versions())
    facts |= dict(git=git_state(spec.config.parent), config_dump=f'{spec.config.stem}.py')
    (spec.folder / RECORD).unlink(missing_ok=True)  # it failed earlier; should it be stopped, it is half-way
    trained, cost = train_session(spec.folder, lambda: run(spec.train_command(), 'train.log'))
    facts |= cost
    check(trained, 'train.log')
    checkpoint, _ = last_good_checkpoint(spec.folder)
    if checkpoint is None:
        raise UserFacingError(f'training ended without an error, but left no intact checkpoint in {spec.folder}')
    curves = read_curves(spec.folder)
    if classes := cfg.model.get('head', {}).get('num_classes', 0):
        facts |= dict(num_classes=classes, cross_entropy=curves.get('loss_cls', curves['loss'])[-1][1])
    metrics = spec.folder / 'test.json'
    tested = run(spec.test_command(checkpoint, metrics), 'test.log')
    facts |= dict(checkpoint=checkpoint.name, test_seconds=tested.seconds)
    check(tested, 'test.log')
    measured = json.loads(metrics.read_text())
    metric = metric_of(spec.config.stem)
    if measured.get(metric) is None:  # null where it is not finite
        raise UserFacingError(
            f'the test measured {", ".join(measured) or "nothing"}; expected {metric} among it, which is what is '
            'reported: give test_evaluator the metric that measures it'
        )
    with _READING:
        images = count_images(cfg, spec.cwd)
    facts |= dict(status=FINISHED, data=data_kind(cfg, spec.cwd, images), images=images, metrics=measured)


def _last_words(log: Path, ended: Ended) -> str:
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()][-LAST_WORDS:]
    errors = [i for i, line in enumerate(lines) if line.startswith('error: ')]  # a tool's own, which says it all
    return '\n'.join([f'exit code {ended.code}', *(lines[errors[-1] :] if errors else lines)])


def train_session(folder: Path, train: Callable[[], Ended]) -> tuple[Ended, dict[str, Any]]:
    """Train for one session, which is noted: `[{"seconds": 81.3, "peak_memory": 1503238553}, {}]`, a killed one empty.

    Returned is how it ended, and for the record `seconds`, `sessions`, `untimed_sessions` and `peak_memory`, of this
    session and those before.
    """
    file = folder / SESSIONS
    before = json.loads(file.read_text()) if file.is_file() else []
    write_atomically(file, json.dumps([*before, {}]))
    ended = train()
    sessions = [*before, dict(seconds=ended.seconds, peak_memory=ended.peak_memory)]
    write_atomically(file, json.dumps(sessions))
    timed = [session for session in sessions if session]
    peak = dict(cpu=max(session['peak_memory'] for session in timed))
    if gpu := max((logged.get('memory', 0) for logged in read_scalars(folder)), default=0):
        peak['gpu'] = gpu * 2**20  # MMEngine logs MiB, of torch's allocator
    return ended, dict(
        seconds=sum(session['seconds'] for session in timed),
        sessions=len(sessions),
        untimed_sessions=len(sessions) - len(timed),
        peak_memory=peak,
    )
