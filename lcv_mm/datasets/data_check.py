"""A look at the data of a config before anything costly is done."""

from collections.abc import Iterable

from mmengine.config import Config
from mmpretrain.registry import DATASETS


def check_data(cfg: Config, loaders: Iterable[str]) -> None:
    """Build the datasets of a config, so that missing data is reported before a model is built or weights fetched.

    Args:
        cfg (Config): config of a run.
        loaders (Iterable[str]): names of the loaders the run will use, such as 'train_dataloader'.

    Raises:
        DataError: If the data of one is missing or incomplete.
    """
    datasets = []
    for loader in loaders:
        dataset = cfg.get(loader) and cfg[loader].dataset
        if dataset and dataset not in datasets:
            datasets.append(dataset)
    for dataset in datasets:
        DATASETS.build(dataset)
