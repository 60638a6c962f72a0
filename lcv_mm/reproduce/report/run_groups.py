"""Runs that may be averaged together, those that may be compared, and what a few seeds say."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.stats import t

from ...errors import DataError
from ..plan import SEED
from ..record import FINISHED, SETTINGS, TOP1, Record
from .render import number, signed

LOSS = 'model.variance_loss.'  # how the settings of the loss begin


@dataclass(frozen=True)
class Sample:
    """One value, or one difference, for each seed; at least one."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their mean."""
        return float(np.mean(self.values))

    @property
    def sd(self) -> float | None:
        """Their sample standard deviation (divided by n - 1); None of a single value, which has none."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval of the mean by Student's t; None of a single value."""
        if self.sd is None:
            return None
        half = float(t.ppf(0.975, len(self.values) - 1)) * self.sd / len(self.values) ** 0.5
        return self.mean - half, self.mean + half

    def text(self, difference: bool = False) -> str:
        """Such as `75.10 ± 0.42 (3 seeds)`; one seed has no spread: `75.10 (1 seed)`."""
        mean = signed(self.mean) if difference else number(self.mean)
        spread = '' if self.sd is None else f' ± {number(self.sd)}'
        n = len(self.values)
        return f'{mean}{spread} ({n} seed{"s" * (n > 1)})'


@dataclass(frozen=True)
class Run:
    """A record and the folder it was found in."""

    folder: Path
    record: Record

    @property
    def finished(self) -> bool:
        """Whether it ended with a result."""
        return self.record.status == FINISHED and TOP1 in self.record.metrics

    @property
    def setting(self) -> 'Setting':
        """What, beside the config's name, makes it another experiment."""
        record, file = self.record, self.folder / SETTINGS
        images, options = (json.dumps(dict(part), sort_keys=True) for part in (record.images, record.options))
        begun = json.loads(file.read_text()) if file.is_file() else {}
        per_seed = {key: value for key, value in record.options.items() if SEED in value}  # the seeds are one setting
        known = {key: value for key, value in {**begun, **per_seed}.items() if value != 'None'}
        weights = known.get('load_from', known.get('model.backbone.init_cfg.checkpoint', 'none' if begun else ''))
        crops = re.findall(r"'crop_size': \(?(\d+)", known.get('test_dataloader.dataset.pipeline', ''))
        return Setting(
            record.data,
            record.dataset,
            images,
            options,
            record.amp,
            root=Path(known.get('train_dataloader.dataset.data_root', '')).name,
            weights=weights.rpartition('/')[2],
            crop=crops[-1] if crops else '',
            epochs=known.get('train_cfg.max_epochs', ''),
            loss={key.rpartition('.')[2]: value for key, value in known.items() if key.startswith(LOSS)},
        )


@dataclass(frozen=True)
class Setting:
    """What, beside the config's name, makes a run another experiment.

    Args:
        data (str): 'real', 'generated' or 'other'.
        dataset (str): Class of the dataset.
        images (str): Its numbers of images, as JSON.
        options (str): The settings put over the config, as JSON.
        amp (bool): Mixed precision.
        root (str): Name of the folder of the data; this and what follows are '' where it is not known.
        weights (str): File name of the weights that training starts from, 'none' for random ones.
        crop (str): Side of the test crops, in pixels.
        epochs (str): Length of training.
        loss (Mapping[str, str]): Settings of the variance loss, whose defaults may change between two seeds; they part
            no groups, but within one they must be the same.
    """

    data: str
    dataset: str
    images: str
    options: str
    amp: bool
    root: str = ''
    weights: str = ''
    crop: str = ''
    epochs: str = ''
    loss: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def label(self) -> str:
        """The options and 'amp', as text; empty for a config as it stands."""
        parts = [f'{name}={value}' for name, value in json.loads(self.options).items()]
        return ', '.join(parts + ['amp'] * self.amp)

    @property
    def made_on(self) -> str:
        """Such as `CUB200 (cub_warblers), weights vgg16, crops of 112, 12 epochs`."""
        weights = 'random weights' if self.weights == 'none' else f'weights {self.weights}'
        parts = [
            f'{self.dataset} ({self.root})' if self.root else self.dataset,
            *[weights] * bool(self.weights),
            *[f'crops of {self.crop}'] * bool(self.crop),
            *[f'{self.epochs} epochs'] * bool(self.epochs),
        ]
        return ', '.join(parts)


@dataclass(frozen=True)
class RunGroup:
    """The runs of one config and one setting, by their seeds; what is averaged is such a group and nothing else."""

    config: str
    setting: Setting
    runs: dict[int, Run] = field(default_factory=dict)

    @property
    def records(self) -> dict[int, Record]:
        """Its records, in the order of the seeds."""
        return {seed: run.record for seed, run in sorted(self.runs.items())}

    @property
    def top1(self) -> Sample:
        """Top-1 accuracy in per cent, in the order of the seeds."""
        return Sample(tuple(record.top1 for record in self.records.values()))

    @property
    def data(self) -> dict[str, str]:
        """What names the group on the page."""
        return {'config': self.config, 'setting': self.setting.label, 'seeds': ' '.join(map(str, self.records))}

    def counterpart(self, config: str, groups: Sequence['RunGroup']) -> 'RunGroup | None':
        """The group of another config under the same setting, with which it may be compared; None if not run."""
        return next((other for other in groups if (other.config, other.setting) == (config, self.setting)), None)

    def minus(self, other: 'RunGroup') -> Sample | None:
        """Differences of top-1 between runs of the same seed; None without a common seed."""
        common = sorted(self.runs.keys() & other.runs.keys())
        return Sample(tuple(self.records[seed].top1 - other.records[seed].top1 for seed in common)) if common else None


def group_runs(runs: Iterable[Run]) -> list[RunGroup]:
    """Sort finished runs into groups, in the order in which they come.

    Raises:
        DataError: If two folders hold the same run: it would count twice, or one of two results would be dropped. If
            seeds of one config were trained with different losses: their mean would be of neither.
    """
    groups: dict[tuple[str, Setting], RunGroup] = {}
    for run in runs:
        config, seed, setting = run.record.config, run.record.seed, run.setting
        group = groups.setdefault((config, setting), RunGroup(config, setting))
        other = group.runs.setdefault(seed, run)
        if other is not run:
            raise DataError(
                f'{other.folder} and {run.folder} both hold the run of {config} with seed {seed}; expected one folder '
                'for each run: move one of them out of the work dir'
            )
        losses = [part.loss for part in (group.setting, setting)]
        if all(losses) and losses[0] != losses[1]:
            there, here = (', '.join(f'{key}={value}' for key, value in loss.items()) for loss in losses)
            raise DataError(
                f'{run.folder}: expected the same loss as for the other seeds of {config}, but those have {there}, and '
                f'this one {here}: move one or the other out of the work dir'
            )
    return list(groups.values())


def baseline_name(config: str) -> str | None:
    """Name of the config without LCV, of one with it; None for a config without LCV."""
    return config.removeprefix('lcv_') if config.startswith('lcv_') else None
