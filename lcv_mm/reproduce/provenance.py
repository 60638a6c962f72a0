"""Where and with what a run was made."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from mmpretrain.utils import collect_env

NO_VERSIONS = ('PyTorch compiling details', 'numpy_random_seed', 'MUSA available')
PACKAGES = ('lcv_mm', 'onedl-mmpretrain', 'onedl-mmengine', 'onedl-mmcv', 'mmpretrain', 'mmengine', 'mmcv', 'mmcv-lite')


def machine() -> dict[str, Any]:
    """'cpu', its name, 'cores', those this process may use, and 'gpu', the names of those it sees, if any."""
    found: dict[str, Any] = dict(cpu=_cpu_name(), cores=cores())
    if torch.cuda.is_available():
        found['gpu'] = ', '.join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    return found


def versions() -> dict[str, str]:
    """Of Python, compilers and libraries, as the toolbox collects them, and of the toolbox itself."""
    # not what says nothing of the run: torch's build, in many lines, and what the collecting itself has drawn
    found = {name: str(value) for name, value in collect_env().items() if name not in NO_VERSIONS}
    found['PyTorch'] = torch.__version__
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # the toolbox goes by several names
    return found


def git_state(folder: Path) -> dict[str, Any]:
    """'commit' of the repository that a folder is in, and whether tracked files were 'changed'; {} outside of one."""
    commit = _git(folder, 'rev-parse', 'HEAD')
    if commit is None:
        return {}
    return dict(commit=commit, changed=bool(_git(folder, 'status', '--porcelain', '--untracked-files=no')))


def _git(folder: Path, *args: str) -> str | None:
    try:
        done = subprocess.run(['git', '-C', str(folder), *args], capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu_name() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
