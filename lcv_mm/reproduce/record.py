"""The record of a run: its result and how it was produced."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

from ..engine import write_atomically
from ..engine.loss_hooks import has_learned
from .paper import METRICS, TOP1

RECORD_FILE = 'record.json'
SETTINGS_FILE = 'settings.json'  # beside it: the settings of the run, {dotted key: value as text}
FINISHED, FAILED, STOPPED, BUSY = 'finished', 'failed', 'stopped', 'busy'  # how a run ends; records have the first two
PACKAGES = re.compile(r'lcv_mm|(onedl-)?mm(pretrain|engine|cv|cv-lite)|torch(vision)?|numpy|opencv-.*|pillow')


@dataclass
class Record:
    """A run that has ended: `record.json` in its folder. `machine` and the fields after it are of the last session."""

    config: str  # its name, without `.py`
    seed: int
    options: Mapping[str, str]  # settings put over the config, as on a command line, `{seed}` not yet replaced
    amp: bool  # mixed precision
    status: str = FAILED  # 'finished', or 'failed' if training or the final test ended with an error
    dataset: str = ''  # class of the training dataset
    images: Mapping[str, int] = field(default_factory=dict)  # numbers of 'train' and 'test' images
    metrics: Mapping[str, float] = field(default_factory=dict)  # of the final checkpoint, in per cent
    cross_entropy: float | None = None  # mean over the training batches of the last epoch, in nats
    num_classes: int = 0  # of the head; 0 if the config does not say
    parameters: int = 0  # of the model, including frozen ones; 0 if unknown
    checkpoint: str = ''  # file name of the final one, in the run's folder
    seconds: float = 0.0  # wall-clock time of training in all sessions except killed ones
    # bytes: 'cpu' of the trainer without its loaders' workers, 'gpu' as allocated by torch
    peak_memory: dict[str, int] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)  # 'cpu', 'cores', and 'gpu' where there is one
    versions: Mapping[str, str] = field(default_factory=dict)  # of Python and the packages
    git: Mapping[str, Any] = field(default_factory=dict)  # 'commit' and whether tracked files were 'changed'
    ended: str = ''  # ISO 8601, UTC
    error: str = ''  # the last lines of a failed run

    @property
    def metric(self) -> str:
        """The metric of the run: that of a quoted row if it was measured, or else top-1 accuracy."""
        return next((name for name in reversed(METRICS) if name in self.metrics), TOP1)

    @property
    def result(self) -> float:
        """The value of that metric for a finished run, in per cent."""
        return self.metrics[self.metric]

    @property
    def learned(self) -> bool:
        """Whether its classifier has learned; True if the record does not say."""
        return self.cross_entropy is None or not self.num_classes or has_learned(self.cross_entropy, self.num_classes)


def write_record(folder: Path, record: Record) -> None:
    """Write `record.json`, all of it or nothing."""
    write_atomically(folder / RECORD_FILE, json.dumps(asdict(record), indent=2) + '\n')


def read_record(folder: Path) -> Record | None:
    """Read the record in a run's folder, without unknown fields; None if the run has not ended."""
    file = folder / RECORD_FILE
    if not file.is_file():
        return None
    known = Record.__dataclass_fields__.keys()
    return Record(**{key: value for key, value in json.loads(file.read_text()).items() if key in known})


def machine() -> dict[str, Any]:
    """The names of 'cpu' and, if any, 'gpu', and the number of 'cores' that this process may use."""
    info = Path('/proc/cpuinfo')
    names = re.findall(r'^model name\s*: (.*)', info.read_text() if info.is_file() else '', re.MULTILINE)
    hardware = dict(cpu=names[0] if names else platform.processor() or platform.machine(), cores=cores())
    if torch.cuda.is_available():
        hardware['gpu'] = ', '.join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    return hardware


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Versions of Python and the installed PACKAGES. The log of a run has those of compilers and drivers."""
    installed = {package.name: package.version for package in distributions() if PACKAGES.fullmatch(package.name)}
    return {'Python': platform.python_version(), **installed}


def git_state(folder: Path) -> dict[str, Any]:
    """The 'commit' of a folder's repository and whether tracked files were 'changed'; {} outside a repository."""
    command = ['git', 'describe', '--always', '--exclude=*', '--abbrev=40', '--dirty']
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git on this machine, or no repository
        return {}
    commit, _, changed = done.stdout.strip().partition('-')
    return dict(commit=commit, changed=bool(changed))
