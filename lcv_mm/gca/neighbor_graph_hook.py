"""The neighbour graph, built before training."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from ..errors import ConfigError
from .aggregation import UNLABELLED, nearest_neighbors
from .training_features import gca_head, training_features


@HOOKS.register_module()
class NeighborGraphHook(Hook):
    """Finds the nearest neighbours of each training image before training, once, and gives them to the batch sampler.

    A resumed run takes the graph of its checkpoint.

    Args:
        pipeline (list[dict]): Test transforms, with which the training images are read.
        batch_size (int): Images at a time. Defaults to 256.

    Raises:
        ConfigError: Before training, if the head is no `GCAHead`, the loader has no `NeighborBatchSampler`, or the
            number of images does not fit.
    """

    def __init__(self, pipeline: list[dict], batch_size: int = 256) -> None:
        self.pipeline = pipeline
        self.batch_size = batch_size

    def before_train(self, runner: Runner) -> None:
        head = gca_head(runner)
        sampler = runner.train_dataloader.batch_sampler
        if not hasattr(sampler, 'set_graph'):
            raise ConfigError(
                f'NeighborGraphHook: train_dataloader has {type(sampler).__name__}; expected NeighborBatchSampler: set '
                'train_dataloader.batch_sampler=dict(type=NeighborBatchSampler)'
            )
        if not head.stage:
            feats, labels = training_features(runner, self.pipeline, self.batch_size)
            head.neighbors.copy_(nearest_neighbors(feats, head.neighbors.shape[1]))
            head.stage.fill_(1)
            runner.logger.info(
                f'Neighbour graph: {labelled_agreement(labels, head.neighbors):.1f} % of the labelled neighbours of '
                'labelled images have their label'
            )
        sampler.set_graph(head.neighbors.cpu().numpy())


def labelled_agreement(labels: Tensor, neighbors: Tensor) -> float:
    """Per cent of the edges between labelled images, to itself left out, that join equal labels; NaN if none."""
    others = neighbors[:, 1:]
    both = (labels[:, None] != UNLABELLED) & (labels[others] != UNLABELLED)
    return 100 * (labels[:, None] == labels[others])[both].float().mean().item()
