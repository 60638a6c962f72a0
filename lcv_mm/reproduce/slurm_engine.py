"""The runs on a Slurm cluster, an array of jobs, through submitit."""

import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any

from ..errors import ConfigError
from .child import Children
from .execute import STOPPED, execute
from .run_spec import RunSpec


class Job:
    """A run as submitit sends it to a machine.

    Args:
        spec (RunSpec): The run.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec

    def __call__(self) -> str:
        """Execute the run."""
        return execute(self.spec, Children(), {})

    def checkpoint(self) -> Any:
        """Called by submitit where the job's time is up or it is preempted: the same again, which goes on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def run_on_slurm(
    specs: Sequence[RunSpec], stop: Event, options: Mapping[str, Any]
) -> Iterator[tuple[RunSpec, str] | None]:
    """Execute runs as an array of jobs; every machine needs the same folders.

    A job whose time is up or that is preempted saves and is queued again.

    Args:
        specs (Sequence[RunSpec]): The runs.
        stop (Event): Once it is set, the jobs are cancelled: those under way save first.
        options (Mapping[str, Any]): Of submitit's `AutoExecutor.update_parameters`, such as `slurm_partition=gpu
            gpus_per_node=1 timeout_min=600 slurm_array_parallelism=8`; and `cluster`, 'slurm', or 'local' for
            submitit's local mode: all runs at once on this machine.

    Yields:
        tuple[RunSpec, str] | None: Each run as it ends, with what `execute` says of it; None about once a second.

    Raises:
        ConfigError: If submitit is not installed, there is no Slurm, or it does not take the options.
    """
    try:
        import submitit
    except ImportError as error:
        raise ConfigError(
            "--engine slurm: submitit is not installed; expected the package 'submitit': pip install -e '.[slurm]'"
        ) from error
    parameters = dict(options)
    cluster = parameters.pop('cluster', 'slurm')
    try:
        executor = submitit.AutoExecutor(specs[0].work_dir / 'submitit', cluster=cluster)
        executor.update_parameters(name='reproduce', **parameters)
    except (ValueError, RuntimeError, NameError, TypeError) as error:
        given = ' '.join(f'{key}={value}' for key, value in options.items())
        raise ConfigError(
            f'--engine slurm --engine-options {given}: submitit says: {error}; expected parameters of it on a machine '
            'that has sbatch, or cluster=local'
        ) from error
    with executor.batch():
        jobs = [executor.submit(Job(spec)) for spec in specs]
    pending = dict(enumerate(specs))
    told = False
    while pending:
        ended = [place for place in pending if jobs[place].done()]
        for place in ended:
            yield pending.pop(place), _outcome(jobs[place])
        if not ended:
            time.sleep(1)
            yield None
        if stop.is_set() and not told:
            told = True
            for place in pending:
                jobs[place].cancel(check=False)


def _outcome(job: Any) -> str:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        return job.result()
    except FailedJobError:
        raise  # of our own code
    except UncompletedJobError as error:  # cancelled, or its machine is gone
        print(f'Slurm, job {job.job_id}: {str(error).splitlines()[0]}; its log: {job.paths.stderr}')
        return STOPPED
