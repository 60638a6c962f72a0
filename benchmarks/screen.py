"""A cheap comparison of LCV's parts: VGG-16's conv5 and a head, trained from cached maps of pool4.

    python benchmarks/screen.py configs/small/cbp_vgg16_warblers112.py --seeds 0 1 2 [--arms baseline lcv] [--quarter 0]

All arms have the config's recipe, step 1 included. Each run appends a line of JSON to `--out`; runs already in it
are skipped, so a stopped call can be continued.
"""

import argparse
import json
import time
from hashlib import md5
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import default_collate
from mmengine.optim import build_optim_wrapper
from mmpretrain.registry import DATASETS, MODELS, PARAM_SCHEDULERS
from mmpretrain.structures import DataSample
from rich.progress import track
from torch import Tensor
from torch.utils.data import BatchSampler, Dataset, RandomSampler

from lcv_mm.datasets import ClassBalancedBatchSampler
from lcv_mm.reproduce.record import git_state, machine

ROOT = Path(__file__).parents[1]
VIEWS = 4  # random crops and flips of each training image that are cached
CUT = 'pool4'
# Options that say where files are and do not make another experiment; a fold does, unlike in a report on the rows
PLACES = ('checkpoint', 'data_root')

ATTENTION = dict(neck=dict(type='ResidualAttention'))


def loss(name: str = 'ClassVarianceLoss', **options: object) -> dict:
    """Changes that add a loss on features to a model."""
    return dict(type='LCVClassifier', variance_loss=dict(type=name, **options))


# arm: what it changes of the baseline's model, and whether its batches are balanced
ARMS: dict[str, tuple[dict, bool]] = {
    'baseline': ({}, False),
    'balanced': ({}, True),
    'attention': (ATTENTION, False),
    'attention_balanced': (ATTENTION, True),
    'lcv_shuffled': ({**loss(), **ATTENTION}, False),
    'lcv': ({**loss(), **ATTENTION}, True),
    'lcv_pooled': ({**loss(space='pooled', margin=0.7), **ATTENTION}, True),
    'lcv_margin_0p7': ({**loss(margin=0.7), **ATTENTION}, True),
    'lcv_margin_1p3': ({**loss(margin=1.3), **ATTENTION}, True),
    'lcv_intra_0p1': ({**loss(weight_intra=0.1), **ATTENTION}, True),
    'lcv_head': ({**loss(space='head'), **ATTENTION}, True),
    'triplet': ({**loss('MetricLearningLoss', loss=dict(type='TripletMarginLoss', margin=0.2)), **ATTENTION}, True),
    'contrastive': ({**loss('MetricLearningLoss', loss='ContrastiveLoss'), **ATTENTION}, True),
    'supcon_head': ({**loss('MetricLearningLoss', loss='SupConLoss', space='head'), **ATTENTION}, True),
}


class Maps(Dataset):
    """Cached maps (images, views, C, H, W) and labels (images,), with the labels that the balanced sampler needs."""

    def __init__(self, maps: Tensor, labels: Tensor) -> None:
        self.maps, self.labels = maps, labels

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def targets(self) -> list[int]:
        """Label of each image."""
        return self.labels.tolist()


def build(cfg: Config, changes: dict) -> torch.nn.Module:
    """The config's model with an arm's changes and the pretrained weights."""
    model = MODELS.build(dict(cfg.model, **changes, data_preprocessor=cfg.data_preprocessor))
    model.backbone.init_weights()
    return model


def cut(model: torch.nn.Module) -> torch.nn.Module:
    """Take off the backbone what comes before the cached maps."""
    start = model.backbone.layer_names.index(CUT) + 1
    model.backbone.layer_names = model.backbone.layer_names[start:]
    model.backbone.features = model.backbone.features[start:]
    return model


@torch.no_grad()
def cache_maps(cfg: Config, folder: Path) -> dict[str, Maps]:
    """Maps of pool4: 'train' with VIEWS random crops of each image, 'train_centre' and 'test' with the centre crop."""
    origin = [
        cfg.train_dataloader.dataset,
        cfg.test_dataloader.dataset,
        cfg.data_preprocessor,
        cfg.model.backbone.init_cfg,
    ]
    file = folder / f'{md5(str(origin).encode()).hexdigest()}.pt'
    if file.is_file():
        return {name: Maps(*tensors) for name, tensors in torch.load(file).items()}
    torch.manual_seed(0)
    model = build(cfg, {})
    model.backbone.out_layers = (CUT,)
    test_pipeline = cfg.test_dataloader.dataset.pipeline
    parts = {
        'train': (cfg.train_dataloader.dataset, VIEWS),
        'train_centre': (dict(cfg.train_dataloader.dataset, pipeline=test_pipeline), 1),
        'test': (cfg.test_dataloader.dataset, 1),
    }
    cached = {}
    for name, (part, views) in parts.items():
        dataset = DATASETS.build(part)
        maps = []
        for i in track(range(len(dataset)), description=f'maps of {name}'):
            batch = model.data_preprocessor(default_collate([dataset[i] for _ in range(views)]))
            maps.append(model.backbone(batch['inputs'])[0].half())
        cached[name] = (torch.stack(maps), torch.tensor(dataset.get_gt_labels()))
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(cached, file)
    return {name: Maps(*tensors) for name, tensors in cached.items()}


def split(maps: dict[str, Maps], quarter: int | None) -> tuple[Maps, Maps]:
    """Training and evaluation maps: the official split, or the training images without and with every fourth one."""
    if quarter is None:
        return maps['train'], maps['test']
    held_out = torch.arange(len(maps['train'])) % 4 == quarter
    train, centre = maps['train'], maps['train_centre']
    return Maps(train.maps[~held_out], train.labels[~held_out]), Maps(centre.maps[held_out], centre.labels[held_out])


def samples(labels: Tensor) -> list[DataSample]:
    """Labels as MMPretrain's heads take them."""
    return [DataSample().set_gt_label(label) for label in labels]


def train(cfg: Config, arm: str, seed: int, fit: Maps, judged: Maps) -> dict[str, float]:
    """Train one arm with one seed, and return what was measured."""
    changes, balanced = ARMS[arm]
    torch.manual_seed(seed)
    model = cut(build(cfg, changes))
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    steps = cfg.param_scheduler if isinstance(cfg.param_scheduler, list) else [cfg.param_scheduler]
    schedulers = [PARAM_SCHEDULERS.build(dict(step, optimizer=optim_wrapper)) for step in steps]
    frozen = sum(hook.get('epochs', 0) for hook in cfg.custom_hooks)  # of FreezeBackboneHook
    shuffled = RandomSampler(fit, generator=torch.Generator().manual_seed(seed))
    size = cfg.train_dataloader.batch_size
    batches = ClassBalancedBatchSampler(shuffled, size, 2) if balanced else BatchSampler(shuffled, size, False)
    start = time.perf_counter()
    for epoch in range(cfg.train_cfg.max_epochs):
        model.train()
        model.backbone.requires_grad_(epoch >= frozen)
        log: dict[str, list[float]] = {}
        for batch in batches:
            views = torch.randint(fit.maps.shape[1], (len(batch),))
            with optim_wrapper.optim_context(model):
                losses = model.loss(fit.maps[batch, views].float(), samples(fit.labels[batch]))
            total, values = model.parse_losses(losses)
            optim_wrapper.update_params(total)
            for name, value in values.items():
                log.setdefault(name, []).append(value.item())
        for scheduler in schedulers:
            scheduler.step()
    last = {name: sum(values) / len(values) for name, values in log.items()}
    seconds = time.perf_counter() - start
    model.eval()
    right, alive = 0, torch.zeros((), dtype=torch.bool)
    with torch.no_grad():
        for chunk, labels in zip(judged.maps[:, 0].split(50), judged.labels.split(50), strict=True):
            feats = model.extract_feat(chunk.float())
            right += (model.head(feats).argmax(1) == labels).sum().item()
            alive = alive | (feats[-1] > 0).any(0).flatten(1).any(1)  # (C,)
    return dict(
        top1=100 * right / len(judged),
        cross_entropy=last.get('loss_cls', last['loss']),
        **{
            name: last[name]
            for name in ('loss_inter', 'loss_intra', 'loss_metric', 'dist_inter', 'dist_intra')
            if name in last
        },
        dead_channels=1 - alive.float().mean().item(),
        seconds=seconds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path, help='a baseline on VGG-16: BCNN, CBP or HBP')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--arms', nargs='+', choices=ARMS, default=[*ARMS])
    parser.add_argument('--quarter', type=int, choices=range(4), help='hold out this quarter of the training images')
    parser.add_argument('--cache', type=Path, default=Path('work_dirs/screen'), help='folder of the cached maps')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/screen/screen.jsonl'))
    parser.add_argument('--amp', action='store_true', help='train in bfloat16')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    if args.amp:  # an option, so that the records tell
        args.cfg_options['optim_wrapper.type'] = 'lcv_mm.engine.CPUAmpOptimWrapper'
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    options = {key: str(value) for key, value in args.cfg_options.items() if not key.endswith(PLACES)}
    fit, judged = split(cache_maps(cfg, args.cache), args.quarter)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        for arm in args.arms:
            run = dict(config=args.config.stem, arm=arm, seed=seed, quarter=args.quarter, options=options)
            done = args.out.read_text().splitlines() if args.out.is_file() else []
            if any(run.items() <= json.loads(line).items() for line in done):
                continue
            measured = train(cfg, arm, seed, fit, judged)
            line = json.dumps({**run, **measured, 'commit': git_state(ROOT).get('commit'), 'machine': machine()['cpu']})
            with args.out.open('a') as out:
                out.write(line + '\n')
            print(line, flush=True)


if __name__ == '__main__':
    main()
