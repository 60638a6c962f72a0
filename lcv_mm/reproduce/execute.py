"""One run from its start, or from where it stood, to its record."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import IO, Any

from ..engine import EXIT_TRY_AGAIN, last_good_checkpoint, write_atomically
from ..errors import ConfigError, UserFacingError
from ..launch import type_name
from ..visualization import read_scalars
from .plan import RunSpec, hold_to_settings, run_config
from .processes import Children, Ended
from .record import (
    FAILED,
    FINISHED,
    OTHER,
    RECORD,
    TOP1,
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
SESSIONS = 'sittings.json'


def execute(spec: RunSpec, children: Children, env: Mapping[str, str]) -> str:
    """Train a run, test its final checkpoint, write its record; what is done already stays done.

    Args:
        spec (RunSpec): The run.
        children (Children): Told to stop, it ends the run where it stands.
        env (Mapping[str, str]): Variables for its processes, such as CUDA_VISIBLE_DEVICES.

    Returns:
        str: 'finished' or 'failed', as in the record; 'stopped' if there is more to do, because `children` or the
        trainer itself was told to stop; 'busy' if another process is at it.

    Raises:
        ConfigError: On Windows.
    """
    if children.told.is_set():
        return STOPPED
    with _locked(spec.folder) as lock:
        if lock is None:
            return BUSY
        done = read_record(spec.folder)
        if done is not None and done.status == FINISHED:
            return FINISHED
        try:
            begun = _begin(spec)
        except UserFacingError as error:
            record: Record | None = replace(_nothing_yet(spec), error=str(error))
        else:
            (spec.folder / RECORD).unlink(missing_ok=True)  # it failed earlier; should it be stopped, it is half-way
            # The processes hold the lock, too: should this one be killed, none is started beside them.
            record = _train_and_test(begun, spec, children, env, lock)
        if record is None:
            return STOPPED
        write_record(spec.folder, record)
        return record.status


@contextmanager
def _locked(folder: Path) -> Iterator[IO | None]:
    """A lock on a run's folder, made if absent; None if another process has it."""
    try:
        import fcntl
    except ImportError as error:
        raise ConfigError(
            'tools/reproduce.py: this system has no file locks of POSIX; expected Linux or macOS: on Windows run it '
            'in WSL, or train row by row with tools/train.py'
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / '.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


def _begin(spec: RunSpec) -> Record:
    """What is known of a run before it is trained."""
    with _READING:
        cfg = run_config(spec)
        hold_to_settings(spec, cfg, write=True)
        return replace(
            _nothing_yet(spec),
            dataset=type_name(cfg.train_dataloader.dataset),
            machine=machine(),
            versions=versions(),
            git=git_state(spec.config.parent),
        )


def _nothing_yet(spec: RunSpec) -> Record:
    return Record(
        config=spec.config.stem,
        seed=spec.seed,
        status=FAILED,
        data=OTHER,
        dataset='',
        images={},
        options=spec.options,
        amp=spec.amp,
        ended=_now(),
    )


def _train_and_test(
    record: Record, spec: RunSpec, children: Children, env: Mapping[str, str], lock: IO
) -> Record | None:
    """The record of a run that has been trained and tested, or of what failed; None if it was stopped."""
    sessions = Sessions(spec.folder)
    sessions.begin()
    trained = _python(spec, spec.train_command(), 'train.log', children, env, lock)
    sessions.end(trained)
    if _was_stopped(trained, children):
        return None
    record = replace(record, **sessions.summary(), config_dump=f'{spec.config.stem}.py', ended=_now())
    if trained.code:
        return replace(record, error=_last_words(spec.folder / 'train.log', trained))
    checkpoint, _ = last_good_checkpoint(spec.folder)
    if checkpoint is None:
        return replace(record, error=f'training ended without an error, but left no intact checkpoint in {spec.folder}')

    metrics = spec.folder / 'test.json'
    tested = _python(spec, spec.test_command(checkpoint, metrics), 'test.log', children, env, lock)
    if _was_stopped(tested, children):
        return None
    record = replace(record, test_seconds=tested.seconds, checkpoint=checkpoint.name, ended=_now())
    if tested.code:
        return replace(record, error=_last_words(spec.folder / 'test.log', tested))
    measured = json.loads(metrics.read_text())
    if TOP1 not in measured:
        return replace(
            record,
            error=f'the test measured {", ".join(measured) or "nothing"}; expected {TOP1} among it, which is what is '
            'reported: give test_evaluator an Accuracy of MMPretrain with 1 in its topk',
        )
    with _READING:
        cfg = run_config(spec)
        images = count_images(cfg, spec.cwd)
        data = data_kind(cfg, spec.cwd, images)
    return replace(record, status=FINISHED, data=data, images=images, metrics=measured)


def _python(spec: RunSpec, args: list[str], log: str, children: Children, env: Mapping[str, str], lock: IO) -> Ended:
    return children.run([sys.executable, *args], spec.folder / log, spec.cwd, env, keep_open=[lock])


def _was_stopped(ended: Ended, children: Children) -> bool:
    return ended.code == EXIT_TRY_AGAIN or (ended.code != 0 and children.told.is_set())


def _last_words(log: Path, ended: Ended) -> str:
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()][-LAST_WORDS:]
    errors = [i for i, line in enumerate(lines) if line.startswith('error: ')]  # a tool's own, which says it all
    return '\n'.join([f'exit code {ended.code}', *(lines[errors[-1] :] if errors else lines)])


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec='seconds')


class Sessions:
    """The sessions in which a run was trained, `[{"seconds": 81.3, "peak_memory": 1503238553}, {}]` in its folder.

    An empty one was killed.

    Args:
        folder (Path): The run's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        file = folder / SESSIONS
        self._sessions: list[dict[str, Any]] = json.loads(file.read_text()) if file.is_file() else []

    def begin(self) -> None:
        """Note that training starts."""
        self._sessions.append({})
        self._write()

    def end(self, ended: Ended) -> None:
        """Note how it went."""
        self._sessions[-1] = dict(seconds=ended.seconds, peak_memory=ended.peak_memory)
        self._write()

    def summary(self) -> dict[str, Any]:
        """For a record: `seconds`, `sittings`, `untimed_sittings` and `peak_memory`."""
        timed = [session for session in self._sessions if session]
        peak = dict(cpu=max((session['peak_memory'] for session in timed), default=0))
        gpu = max((record.get('memory', 0) for record in read_scalars(self._folder)), default=0)
        if gpu:
            peak['gpu'] = gpu * 2**20  # MMEngine logs MiB, of torch's allocator
        return dict(
            seconds=sum(session['seconds'] for session in timed),
            sittings=len(self._sessions),
            untimed_sittings=len(self._sessions) - len(timed),
            peak_memory=peak,
        )

    def _write(self) -> None:
        write_atomically(self._folder / SESSIONS, json.dumps(self._sessions))
