"""The small clusters joined at the end of epochs."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from ..errors import ConfigError
from .aggregation import UNLABELLED, aggregate, edge_weights, label_agreement
from .gca_head import GCAHead
from .training_features import gca_head, training_features


@HOOKS.register_module()
class AggregationHook(Hook):
    """Joins the small clusters of the level-0 head of lowest loss, at the end of each epoch from `begin` on.

    Args:
        pipeline (list[dict]): Test transforms, with which the training images are read.
        begin (int): The first epoch, from 1, at whose end clusters are joined. Defaults to 100.
        guided (bool): Whether labels take part; without them it is the unguided arm of a comparison.
        batch_size (int): Images at a time. Defaults to 256.

    Raises:
        ConfigError: If `begin` is below 1, or, before training, the head is no `GCAHead`.
    """

    def __init__(self, pipeline: list[dict], begin: int = 100, guided: bool = True, batch_size: int = 256) -> None:
        if not isinstance(begin, int) or begin < 1:
            raise ConfigError(f'AggregationHook: begin={begin!r}: expected a whole number from 1 up, such as 100')
        self.pipeline = pipeline
        self.begin = begin
        self.guided = guided
        self.batch_size = batch_size

    def before_train(self, runner: Runner) -> None:
        gca_head(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        head = gca_head(runner)
        if runner.epoch + 1 >= self.begin:
            feats, labels = training_features(runner, self.pipeline, self.batch_size)
            join_clusters(head, feats, labels if self.guided else torch.full_like(labels, UNLABELLED))
        head.head_losses.zero_()


@torch.no_grad()
def join_clusters(head: GCAHead, feats: Tensor, labels: Tensor) -> None:
    """Write into the head which small clusters are joined and where each image is.

    Args:
        head (GCAHead): With its graph and the losses of the epoch.
        feats (Tensor): (N, D), of all training images.
        labels (Tensor): (N,), -1 for an unlabelled image.
    """
    losses = head.head_losses.clone()
    all_reduce(losses)
    probs = head.small_clusters(feats)[:, losses.argmin()].softmax(-1)
    clusters = probs.argmax(1)
    weights = edge_weights(probs, head.neighbors) + label_agreement(clusters, labels, probs.shape[1])
    head.clusters.copy_(clusters)
    head.joined.copy_(aggregate(weights))
    head.stage.fill_(2)
