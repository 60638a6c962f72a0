"""Runs that may be averaged together, and those that may be compared."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DataError
from ..record import FINISHED, TOP1, Record


@dataclass(frozen=True)
class Run:
    """A record and the folder it was found in."""

    folder: Path
    record: Record

    @property
    def finished(self) -> bool:
        """Whether it ended with a result."""
        return self.record.status == FINISHED and TOP1 in self.record.metrics


@dataclass(frozen=True)
class Setting:
    """What, beside the config, makes a run another experiment.

    Args:
        data (str): 'real', 'generated' or 'other'.
        dataset (str): Class of the dataset.
        images (str): Its numbers of images, as JSON.
        options (str): The settings put over the config, as JSON.
        amp (bool): Mixed precision.
    """

    data: str
    dataset: str
    images: str
    options: str
    amp: bool

    @property
    def label(self) -> str:
        """The options and 'amp', as text; empty for a config as it stands."""
        parts = [f'{name}={value}' for name, value in json.loads(self.options).items()]
        return ', '.join(parts + ['amp'] * self.amp)


@dataclass(frozen=True)
class RunGroup:
    """The runs of one config and one setting, by their seeds; what is averaged is such a group and nothing else."""

    config: str
    setting: Setting
    runs: dict[int, Run] = field(default_factory=dict)

    @property
    def top1(self) -> dict[int, float]:
        """Top-1 accuracy in per cent by seed."""
        return {seed: run.record.top1 for seed, run in sorted(self.runs.items())}

    @property
    def records(self) -> list[Record]:
        """Its records, in the order of the seeds."""
        return [run.record for _, run in sorted(self.runs.items())]

    @property
    def data(self) -> dict[str, str]:
        """What names the group on the page."""
        seeds = ' '.join(map(str, sorted(self.runs)))
        return {'config': self.config, 'setting': self.setting.label, 'seeds': seeds}


def titles_in(groups: Sequence[RunGroup]) -> Callable[[str, RunGroup], str]:
    """What gives a text in a plot the setting of its group behind it, where these groups differ in it."""
    differ = len({group.setting.label for group in groups}) > 1
    return lambda text, group: f'{text}, {group.setting.label}' if differ and group.setting.label else text


def setting_of(record: Record) -> Setting:
    """The setting under which a run was made."""
    images, options = (json.dumps(dict(part), sort_keys=True) for part in (record.images, record.options))
    return Setting(record.data, record.dataset, images, options, record.amp)


def group_runs(runs: Iterable[Run]) -> list[RunGroup]:
    """Sort finished runs into groups, in the order in which they come.

    Raises:
        DataError: If two folders hold the same run: it would count twice, or one of two results would be dropped.
    """
    groups: dict[tuple[str, Setting], RunGroup] = {}
    for run in runs:
        record, setting = run.record, setting_of(run.record)
        group = groups.setdefault((record.config, setting), RunGroup(record.config, setting))
        other = group.runs.setdefault(record.seed, run)
        if other is not run:
            raise DataError(
                f'{other.folder} and {run.folder} both hold the run of {record.config} with seed {record.seed}; '
                'expected one folder a run: move one of them out of the work dir'
            )
    return list(groups.values())


def counterpart(group: RunGroup, config: str, groups: Sequence[RunGroup]) -> RunGroup | None:
    """The group of another config under the same setting, with which `group` may be compared; None if not run."""
    for other in groups:
        if (other.config, other.setting) == (config, group.setting):
            return other
    return None


def baseline_name(config: str) -> str | None:
    """Name of the config without LCV, of one with it; None for one that is no LCV config."""
    return config.removeprefix('lcv_') if config.startswith('lcv_') else None
