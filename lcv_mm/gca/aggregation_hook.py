"""The small clusters joined at the end of epochs."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from ..errors import ConfigError
from .aggregation import UNLABELLED, aggregate, edge_weights, label_agreement, neighbor_loss
from .gca_head import GCAHead
from .training_features import gca_head, training_features


@HOOKS.register_module()
class AggregationHook(Hook):
    """Joins the small clusters of the level-0 head of lowest loss, at the end of each epoch from `begin` on.

    Args:
        pipeline (list[dict]): Test transforms, with which the training images are read.
        begin (int): The first epoch, from 1, at whose end clusters are joined. Defaults to 100.
        guided (bool): Whether labels take part; without them it is the unguided arm of a comparison.
        batch_size (int): Images at a time, on which the entropy in the loss of a head depends. Defaults to 512.

    Raises:
        ConfigError: If `begin` is below 1, or, before training, the head is no `GCAHead`.
    """

    def __init__(self, pipeline: list[dict], begin: int = 100, guided: bool = True, batch_size: int = 512) -> None:
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
            labels = labels if self.guided else torch.full_like(labels, UNLABELLED)
            join_clusters(head, feats, labels, self.batch_size, seed=runner.epoch)


@torch.no_grad()
def join_clusters(head: GCAHead, feats: Tensor, labels: Tensor, batch_size: int, seed: int) -> None:
    """Write into the head which small clusters are joined and where each image is.

    Args:
        head (GCAHead): With its graph.
        feats (Tensor): (N, D), of all training images, by the test transforms.
        labels (Tensor): (N,), -1 for an unlabelled image.
        batch_size (int): Of the pass that finds the head of lowest loss.
        seed (int): Of this pass.
    """
    logits = head.small_clusters(feats)
    losses = validation_losses(logits, head.neighbors, head.entropy_weight, batch_size, seed)
    probs = logits[:, losses.argmin()].softmax(-1)
    clusters = probs.argmax(1)
    weights = edge_weights(probs, head.neighbors) + label_agreement(clusters, labels, probs.shape[1])
    head.clusters.copy_(clusters)
    head.joined.copy_(aggregate(weights))
    head.stage.fill_(2)


def validation_losses(logits: Tensor, neighbors: Tensor, entropy_weight: float, batch_size: int, seed: int) -> Tensor:
    """Loss of each level-0 head: the mean over shuffled batches of all images, each image with a drawn neighbour.

    Args:
        logits (Tensor): (N, H, C).
        neighbors (Tensor): (N, k).
        entropy_weight (float): Of the entropy of a batch.
        batch_size (int): Images per batch; the last one may be smaller and counts as much.
        seed (int): Of order and neighbours.

    Returns:
        Tensor: (H,).
    """
    generator = torch.Generator().manual_seed(seed)
    columns = torch.randint(neighbors.shape[1], (len(logits), 1), generator=generator).to(neighbors.device)
    drawn = neighbors.gather(1, columns)[:, 0]
    batches = torch.randperm(len(logits), generator=generator).to(neighbors.device).split(batch_size)
    return torch.stack([neighbor_loss(logits[rows], logits[drawn[rows]], entropy_weight) for rows in batches]).mean(0)
