"""Run processes, measure each and stop all of them together."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from ..engine import EXIT_TRY_AGAIN


class ProcessResult(NamedTuple):
    """How a process ended: exit code, wall-clock seconds, peak memory in bytes (without that of its workers)."""

    code: int
    seconds: float
    peak_memory: int


class ProcessPool:
    """The processes that are running, so that all can be stopped: with SIGTERM, once.

    They are in process sessions of their own. Otherwise a Ctrl-C in the terminal would reach them as well as the signal
    of `stop`, and a trainer stops at once on a second signal.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._processes: list[subprocess.Popen] = []
        self._lock = threading.Lock()

    def run(self, command: Sequence[str], log: Path, env: Mapping[str, str], keep_open: Sequence[IO]) -> ProcessResult:
        """Run a command to its end, with the exit code of a shell, 128 + signal, where a signal ended it.

        Its output is appended to the log. It inherits the open files: a lock on one lasts as long as it does.
        """
        started = time.monotonic()
        with log.open('ab') as out, self._lock:
            if self.stopping.is_set():
                return ProcessResult(EXIT_TRY_AGAIN, 0.0, 0)
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                pass_fds=[file.fileno() for file in keep_open],
                start_new_session=True,
            )
            self._processes.append(process)
        try:
            peak = _wait(process)
        except BaseException as error:
            self.stop()
            peak = _wait(process)
            # how Ray cancels a task, and submitit's local mode a job; a preempted job of submitit gets a SystemExit
            if not isinstance(error, KeyboardInterrupt):
                raise
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return ProcessResult(code, time.monotonic() - started, peak)

    def stop(self) -> None:
        """Send SIGTERM to the running processes, and start no more."""
        with self._lock:
            if not self.stopping.is_set():
                self.stopping.set()
                for process in self._processes:
                    process.terminate()  # those that have ended get none


def _wait(process: subprocess.Popen) -> int:
    """Wait for a process and return its peak memory. By polling: Ray can't interrupt a system call."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, _peak_memory(process.pid))
        time.sleep(0.1)
    return peak


def _peak_memory(pid: int) -> int:
    """The largest resident memory of a process so far, in bytes; 0 where the system does not tell."""
    try:
        lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith('VmHWM:')), 0)
