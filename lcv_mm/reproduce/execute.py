"""One run from its start, or from where it stood, to its record."""

import fcntl
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import IO

from ..engine import last_good_checkpoint
from ..errors import UserFacingError
from ..launch import type_name
from .child import Children, Ended
from .data_kind import OTHER, count_images, data_kind
from .provenance import git_state, machine, versions
from .record import FAILED, FINISHED, TOP1, Record, read_record, write_record
from .run_spec import RunSpec
from .settings import hold_to_settings, run_config
from .sittings import Sittings

# MMEngine reads a pure-Python config with the whole process's imports made lazy: no other thread may import or read one
_READING = Lock()

STOPPED, BUSY = 'stopped', 'busy'  # besides a record's 'finished' and 'failed'
LAST_WORDS = 20  # lines of a failed process that are kept


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
    spec.folder.mkdir(parents=True, exist_ok=True)
    with (spec.folder / '.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return BUSY
        done = read_record(spec.folder)
        if done is not None and done.status == FINISHED:
            return FINISHED
        try:
            begun = _begin(spec)
        except UserFacingError as error:
            record: Record | None = replace(_nothing_yet(spec), error=str(error))
        else:
            # The processes hold the lock, too: should this one be killed, none is started beside them.
            record = _train_and_test(begun, spec, children, env, lock)
        if record is None:
            return STOPPED
        write_record(spec.folder, record)
        return record.status


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
    sittings = Sittings(spec.folder)
    sittings.begin()
    trained = _python(spec, spec.train_command(), 'train.log', children, env, lock)
    sittings.end(trained)
    if _was_stopped(trained, children):
        return None
    record = replace(record, **sittings.summary(), config_dump=f'{spec.config.stem}.py', ended=_now())
    if trained.code:
        return replace(record, error=_last_words(spec.folder / 'train.log', trained))
    checkpoint, _ = last_good_checkpoint(spec.folder)
    if checkpoint is None:
        return replace(record, error=f'training ended without an error, but left no whole checkpoint in {spec.folder}')

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
    return ended.code == os.EX_TEMPFAIL or (ended.code != 0 and children.told.is_set())


def _last_words(log: Path, ended: Ended) -> str:
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()][-LAST_WORDS:]
    errors = [i for i, line in enumerate(lines) if line.startswith('error: ')]  # a tool's own, which says it all
    return '\n'.join([f'exit code {ended.code}', *(lines[errors[-1] :] if errors else lines)])


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec='seconds')
