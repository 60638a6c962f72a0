"""Runs that may be averaged together, those that may be compared, and what a few seeds say."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from scipy.stats import t

from ...errors import DataError
from ...paper import metric_of
from ..plan import SEED
from ..record import FINISHED, SETTINGS, Record
from .render import number, signed

LOSS = 'model.variance_loss.'  # how the settings of the loss begin


class Sample(tuple[float, ...]):
    """One value, or one difference, for each seed; at least one."""

    @property
    def mean(self) -> float:
        """Their mean."""
        return fmean(self)

    @property
    def sd(self) -> float | None:
        """Their sample standard deviation (divided by n - 1); None of a single value, which has none."""
        return stdev(self) if len(self) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval of the mean by Student's t; None of a single value."""
        if self.sd is None:
            return None
        half = float(t.ppf(0.975, len(self) - 1)) * self.sd / len(self) ** 0.5
        return self.mean - half, self.mean + half

    def text(self, difference: bool = False) -> str:
        """Such as `75.10 ± 0.42 (3 seeds)`; one seed has no spread: `75.10 (1 seed)`."""
        mean = signed(self.mean) if difference else number(self.mean)
        spread = '' if self.sd is None else f' ± {number(self.sd)}'
        return f'{mean}{spread} ({len(self)} seed{"s" * (len(self) > 1)})'


class Setting(NamedTuple):
    """What, beside the config's name, makes a run another experiment; '' is what its folder does not tell."""

    data: str  # 'real', 'generated' or 'other'
    dataset: str  # its class, and the name of the folder of its images
    images: str  # numbers of training and test images
    weights: str  # file name of those that training starts from, 'none' for random ones
    crop: str  # side of the test crops, in pixels
    epochs: str
    options: str  # the settings put over the config
    amp: bool

    @property
    def label(self) -> str:
        """The options and 'amp', as text; empty for a config as it stands."""
        return ', '.join(filter(None, (self.options, 'amp' * self.amp)))

    @property
    def made_on(self) -> str:
        """Such as `CUB200 (cub_warblers), weights vgg16, crops of 112, 12 epochs`."""
        weights = 'random weights' if self.weights == 'none' else f'weights {self.weights}' * bool(self.weights)
        crop, length = f'crops of {self.crop}' * bool(self.crop), f'{self.epochs} epochs' * bool(self.epochs)
        return ', '.join(filter(None, (self.dataset, weights, crop, length)))


@dataclass(frozen=True)
class Run:
    """A record and the folder it was found in."""

    folder: Path
    record: Record

    @property
    def finished(self) -> bool:
        """Whether it ended with a result."""
        return self.record.status == FINISHED and self.record.metric in self.record.metrics

    @cached_property
    def begun(self) -> dict[str, str]:
        """The settings that its folder was begun with, {dotted key: value as text}; {} where it does not hold them."""
        file = self.folder / SETTINGS
        return json.loads(file.read_text()) if file.is_file() else {}

    @property
    def loss(self) -> str:
        """Settings of the variance loss, whose defaults may change between two seeds, as text."""
        settings = ((key.partition(LOSS)[2], value) for key, value in self.begun.items())
        return ', '.join(f'{key}={value}' for key, value in settings if key)

    @property
    def setting(self) -> Setting:
        """What, beside the config's name, makes it another experiment."""
        record = self.record
        per_seed = {key: value for key, value in record.options.items() if SEED in value}  # the seeds are one setting
        known = {key: value for key, value in {**self.begun, **per_seed}.items() if value != 'None'}
        weights = known.get('load_from', known.get('model.backbone.init_cfg.checkpoint', 'none' * bool(self.begun)))
        crops = re.findall(r"'crop_size': \(?(\d+)", known.get('test_dataloader.dataset.pipeline', ''))
        root = Path(known.get('train_dataloader.dataset.data_root', '')).name
        return Setting(
            record.data,
            dataset=record.dataset + f' ({root})' * bool(root),
            images=f'{record.images.get("train")} / {record.images.get("test")}',
            weights=weights.rpartition('/')[2],
            crop=crops[-1] if crops else '',
            epochs=known.get('train_cfg.max_epochs', ''),
            options=', '.join(f'{key}={value}' for key, value in sorted(record.options.items())),
            amp=record.amp,
        )


@dataclass(frozen=True)
class RunGroup:
    """The runs of one config and one setting, by their seeds; what is averaged is such a group and nothing else."""

    config: str
    setting: Setting
    runs: dict[int, Run]

    @property
    def records(self) -> dict[int, Record]:
        """Its records, in the order of the seeds."""
        return {seed: run.record for seed, run in sorted(self.runs.items())}

    @property
    def metric(self) -> str:
        """What its runs are judged by, such as 'accuracy/top1'."""
        return metric_of(self.config)

    @property
    def result(self) -> Sample:
        """That, in per cent, in the order of the seeds."""
        return Sample(record.result for record in self.records.values())

    def measured(self, metric: str) -> str:
        """Another metric of its runs, as text; '' where not all have it."""
        values = [record.metrics.get(metric) for record in self.records.values()]
        return '' if None in values else Sample(value for value in values if value is not None).text()

    def counterpart(self, config: str | None, groups: Sequence['RunGroup']) -> 'RunGroup | None':
        """The group of another config under the same setting, with which it may be compared; None if not run."""
        return next((other for other in groups if (other.config, other.setting) == (config, self.setting)), None)

    def minus(self, other: 'RunGroup | None') -> Sample:
        """Differences of the results between runs of the same seed; empty without a common seed.

        Runs whose classifier has not learned are in none: their results say little but that.
        """
        theirs = {seed: record for seed, record in other.records.items() if record.learned} if other else {}
        ours = {seed: record for seed, record in self.records.items() if record.learned}
        return Sample(record.result - theirs[seed].result for seed, record in ours.items() if seed in theirs)

    @property
    def untrained(self) -> str:
        """Of its runs whose classifier has not learned, the seeds and the last cross entropies; '' where all have."""
        found = [
            f'seed {seed}: {number(record.cross_entropy)} of log C = {number(math.log(record.num_classes))}'
            for seed, record in self.records.items()
            if not record.learned and record.cross_entropy is not None
        ]
        return f'Classifier not trained (cross entropy, {"; ".join(found)}).' if found else ''


def group_runs(runs: Iterable[Run]) -> list[RunGroup]:
    """Sort finished runs into groups, in the order in which they come.

    Raises:
        DataError: If two folders hold the same run: it would count twice, or one of two results would be dropped. If
            seeds of one config were trained with different losses: their mean would be of neither.
    """
    groups: dict[tuple[str, Setting], RunGroup] = {}
    for run in runs:
        config, seed = run.record.config, run.record.seed
        group = groups.setdefault((config, run.setting), RunGroup(config, run.setting, {}))
        other = group.runs.setdefault(seed, run)
        if other is not run:
            raise DataError(
                f'{other.folder} and {run.folder} both hold the run of {config} with seed {seed}; expected one folder '
                'for each run: move one of them out of the work dir'
            )
        losses = {other.loss for other in group.runs.values() if other.loss} - {run.loss}
        if run.loss and losses:
            raise DataError(
                f'{run.folder}: expected the same loss as for the other seeds of {config}, but those have '
                f'{losses.pop()}, and this one {run.loss}: move one or the other out of the work dir'
            )
    return list(groups.values())


def baseline_name(config: str) -> str | None:
    """Name of the config without LCV, of one with it; None for a config without LCV."""
    return config.removeprefix('lcv_') if config.startswith('lcv_') else None
