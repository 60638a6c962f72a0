"""Group the finished runs in a work dir by config and conditions; a report averages and compares these groups."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .plan import SEED
from .record import FINISHED, SETTINGS_FILE, Record, read_record
from .summary import Difference, difference

# Conditions of a run, which a report shows: runs are averaged if all of them are equal
CONDITIONS = ('dataset', 'images, train / test', 'weights', 'crop', 'epochs', 'batch size', 'precision', 'options')
COMPARABLE = ('images, train / test', 'precision', 'options')  # must be equal in a comparison of any configs


@dataclass(frozen=True)
class RunGroup:
    """The finished runs of one config under the same conditions; only these are averaged."""

    config: str
    conditions: dict[str, str]  # CONDITIONS and 'loss' as text; '' if unknown
    runs: dict[Path, Record] = field(default_factory=dict)  # by folder, in the order of the seeds

    @property
    def metric(self) -> str:
        """The metric of its runs, such as 'accuracy/top1'."""
        return next(iter(self.runs.values())).metric

    @property
    def results(self) -> list[float]:
        """The values of that metric in per cent, in the order of the seeds."""
        return [record.result for record in self.runs.values()]

    @property
    def untrained(self) -> str:
        """A note on the seeds whose classifier has not learned; '' if all have."""
        seeds = [str(run.seed) for run in self.runs.values() if not run.learned]
        return f'classifier not trained (seeds: {", ".join(seeds)})' if seeds else ''

    def minus(self, other: 'RunGroup') -> Difference | None:
        """Difference of the results of runs whose classifier has learned; None if a side has no such run."""
        ours, theirs = ([run.result for run in group.runs.values() if run.learned] for group in (self, other))
        return difference(ours, theirs) if ours and theirs else None

    def counterpart(self, config: str, groups: Sequence['RunGroup'], same: Sequence[str]) -> 'RunGroup | None':
        """The group of another config with the same conditions; None if there is none."""
        of_config = (group for group in groups if group.config == config)
        return next(
            (group for group in of_config if all(group.conditions[k] == self.conditions[k] for k in same)), None
        )


def read_groups(
    work_dir: Path, configs: Sequence[str], seeds: Sequence[int] | None
) -> tuple[list[RunGroup], list[Record]]:
    """Read the finished runs in groups, in the order of configs and seeds, and the records of failed runs."""
    groups: dict[tuple[str, ...], RunGroup] = {}
    failed = []
    for config in configs:
        known = {int(path.name[5:]): path for path in work_dir.glob(f'{config}/seed_*') if path.name[5:].isdigit()}
        for seed, folder in sorted(known.items()):
            record = read_record(folder)
            if record is None or (seeds is not None and seed not in seeds):
                continue
            if record.status == FINISHED and record.metric in record.metrics:
                conditions = conditions_of(record, folder)
                key = (config, record.metric, *conditions.values())
                groups.setdefault(key, RunGroup(config, conditions)).runs[folder] = record
            else:
                failed.append(record)
    return list(groups.values()), failed


def conditions_of(record: Record, folder: Path) -> dict[str, str]:
    """The conditions that distinguish runs of one config, as text; '' if the run's folder does not say."""
    file = folder / SETTINGS_FILE
    settings: dict[str, str] = json.loads(file.read_text()) if file.is_file() else {}
    per_seed = {key: value for key, value in record.options.items() if SEED in value}  # the same for all seeds
    known = {key: value for key, value in {**settings, **per_seed}.items() if value != 'None'}
    listed = re.search(r"'checkpoint': '([^']+)'", known.get('model.backbone.init_cfg', ''))  # a list stays text
    untold = not settings or known.get('model.backbone.pretrained', 'False') != 'False'  # timm's own choice
    unnamed = listed[1] if listed else known.get('model.pretrained', '' if untold else 'random weights')
    weights = known.get('load_from', known.get('model.backbone.init_cfg.checkpoint', unnamed))
    crops = re.findall(r"'crop_size': \(?(\d+)", known.get('test_dataloader.dataset.pipeline', ''))
    root = Path(known.get('data', known.get('train_dataloader.dataset.data_root', ''))).name
    return {
        'dataset': record.dataset + f' ({root})' * bool(root),
        'images, train / test': f'{record.images.get("train")} / {record.images.get("test")}',
        'weights': weights.rpartition('/')[2],
        'crop': crops[-1] if crops else '',
        'epochs': known.get('train_cfg.max_epochs', ''),
        'batch size': known.get('train_dataloader.batch_size', ''),
        'precision': 'mixed (amp)' * record.amp,
        'options': ', '.join(f'`{key}={value}`' for key, value in sorted(record.options.items())),
        # its defaults may differ between the commits of two runs
        'loss': ', '.join(
            f'{key}={value}' for key, value in settings.items() if key.startswith('model.variance_loss.')
        ),
    }
