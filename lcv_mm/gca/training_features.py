"""Features of all training images in their order, as the hooks need them."""

from copy import deepcopy

import torch
from mmengine.dataset import default_collate
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS
from torch import Tensor
from torch.utils.data import DataLoader

from ..checkpoints.checkpoint_fit_hook import bare_model
from ..errors import ConfigError
from .gca_head import GCAHead


def gca_head(runner: Runner) -> GCAHead:
    """The head of a run's model.

    Raises:
        ConfigError: If it is not a `GCAHead`.
    """
    head = getattr(bare_model(runner), 'head', None)
    if not isinstance(head, GCAHead):
        raise ConfigError(
            f'the model has {type(head).__name__} as its head; expected GCAHead, which keeps graph and clusters: set '
            'model.head.type, or remove the hooks of GCA'
        )
    return head


@torch.no_grad()
def training_features(runner: Runner, pipeline: list[dict], batch_size: int) -> tuple[Tensor, Tensor]:
    """Extract the feature and the label of every training image, in order; each process extracts all.

    Args:
        runner (Runner): Of a run on `CategoryDiscovery(subset='all')`.
        pipeline (list[dict]): Test transforms.
        batch_size (int): Images at a time.

    Returns:
        tuple[Tensor, Tensor]: features (N, D) and labels (N,), -1 for an unlabelled image.

    Raises:
        ConfigError: If the head is for another number of images.
    """
    config = deepcopy(runner.cfg.train_dataloader)
    config.dataset.dataset.pipeline = pipeline
    dataset = DATASETS.build(config.dataset)
    num_images = len(gca_head(runner).clusters)
    if len(dataset) != num_images:
        raise ConfigError(
            f'model.head.num_images={num_images}, but there are {len(dataset)} training images; set '
            f'model.head.num_images={len(dataset)}'
        )
    model = bare_model(runner)
    model.eval()  # the loop sets it to training before each epoch
    feats: list[Tensor] = []
    labels: list[Tensor] = []
    loader = DataLoader(dataset, batch_size, num_workers=config.num_workers, collate_fn=default_collate)
    for batch in loader:
        batch = model.data_preprocessor(batch, False)
        feats.append(model.extract_feat(batch['inputs'])[-1].float())
        labels += [sample.gt_label for sample in batch['data_samples']]
    return torch.cat(feats), torch.cat(labels).to(feats[0].device)
