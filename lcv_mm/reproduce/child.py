"""A command as a process of its own, that can be told to stop, and whose memory is measured."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code, wall-clock seconds, and bytes of memory at its peak (without its workers')."""

    code: int
    seconds: float
    peak_memory: int


class Children:
    """The processes that are running, so that all can be told to stop: once, with SIGTERM.

    They are in sessions of their own. A Ctrl-C in the terminal would else reach them beside what `stop` sends, and a
    trainer takes a second signal for impatience.
    """

    def __init__(self) -> None:
        self.told = threading.Event()
        self._running: set[int] = set()
        self._lock = threading.Lock()

    def run(
        self, command: Sequence[str], log: Path, cwd: Path, env: Mapping[str, str], keep_open: Sequence[IO]
    ) -> Ended:
        """Run a command to its end; what it prints goes to the end of a file.

        Args:
            command (Sequence[str]): Program and arguments.
            log (Path): The file.
            cwd (Path): The folder to run it in.
            env (Mapping[str, str]): Variables put over the environment.
            keep_open (Sequence[IO]): Open files that the process holds on to, locks of which then last as it does.

        Returns:
            Ended: With the exit code of a shell, 128 + signal, where a signal ended it.
        """
        started = time.monotonic()
        with log.open('ab') as out, self._lock:
            if self.told.is_set():
                return Ended(os.EX_TEMPFAIL, 0.0, 0)
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **env},
                pass_fds=[file.fileno() for file in keep_open],
                start_new_session=True,
            )
            self._running.add(process.pid)
        try:
            peak = self._wait(process)
        except KeyboardInterrupt:  # how Ray cancels a task, and submitit's local mode a job
            self.stop()
            peak = self._wait(process)
        except BaseException:  # submitit's SystemExit in a job that is preempted
            self.stop()
            self._wait(process)
            raise
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return Ended(code, time.monotonic() - started, peak)

    def _wait(self, process: subprocess.Popen) -> int:
        """The peak memory of a process that has ended. Looked at again and again: Ray can't interrupt a system call."""
        peak = 0
        while True:
            peak = max(peak, _peak_memory(process.pid))
            with self._lock:  # `stop` must not find the number of a process that is gone
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    self._running.discard(pid)
                    process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it, too
                    # without /proc; on Linux it would count what this process had before the other took its place
                    return peak or usage.ru_maxrss
            time.sleep(0.1)

    def stop(self) -> None:
        """Tell the running processes to save and stop, and start no more."""
        with self._lock:
            first = not self.told.is_set()
            self.told.set()
            if first:
                for pid in self._running:
                    os.kill(pid, signal.SIGTERM)


def take_interrupts() -> None:
    """Let an interrupt end the wait for a process in this one's main thread, which is how Ray cancels a task.

    Where a script's `&` has started the cluster, SIGINT is ignored by it and by every process that it starts.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _peak_memory(pid: int) -> int:
    """Bytes of resident memory a process has had at most so far; 0 where the system does not tell."""
    try:
        lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith('VmHWM:')), 0)
