"""The runs on this machine: one on each GPU, or in turn on the CPU."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event
from typing import Any

import torch

from ..errors import ConfigError
from .child import Children
from .execute import execute
from .provenance import cores
from .run_spec import RunSpec


def run_here(specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]) -> Iterator[tuple[RunSpec, str] | None]:
    """Execute runs on this machine.

    Args:
        specs (Sequence[RunSpec]): The runs, started in this order.
        stop (Event): Once it is set, the runs under way are saved and stopped, and no more are started.
        options (Mapping[str, Any]): `jobs`, how many runs at a time; by default one for each GPU, or one on the CPU.

    Yields:
        tuple[RunSpec, str] | None: Each run as it ends, with what `execute` says of it; None about once a second.

    Raises:
        ConfigError: If an option is unknown or not positive.
    """
    unknown = options.keys() - {'jobs'}
    gpus = _gpus()
    jobs = options.get('jobs', len(gpus) or 1)
    if unknown or not isinstance(jobs, int) or jobs < 1:
        given = ' '.join(f'{key}={value}' for key, value in options.items())
        raise ConfigError(
            f'--engine-options {given}: expected jobs=N, how many runs at a time, 1 or more; set that alone'
        )
    slots: SimpleQueue[dict[str, str]] = SimpleQueue()
    for job in range(jobs):
        # on the CPU the jobs share the cores: torch would take all of them for each
        slots.put(
            {'CUDA_VISIBLE_DEVICES': gpus[job % len(gpus)]}
            if gpus
            else {'OMP_NUM_THREADS': str(max(cores() // jobs, 1))}
        )
    children = Children()

    def in_a_slot(spec: RunSpec) -> str:
        slot = slots.get()
        try:
            return execute(spec, children, slot)
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as pool:
        pending: dict[Future[str], RunSpec] = {pool.submit(in_a_slot, spec): spec for spec in specs}
        try:
            while pending:
                done, _ = wait(pending, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    yield pending.pop(future), future.result()
                if not done:
                    yield None
                if stop.is_set():
                    children.stop()
        finally:
            children.stop()
            pool.shutdown(cancel_futures=True)


def _gpus() -> list[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return [name for name in named.split(',') if name.strip()] if torch.cuda.is_available() else []
    return [str(index) for index in range(torch.cuda.device_count())]
