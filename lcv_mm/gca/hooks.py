"""The hook of GCA: builds the neighbour graph before training, and joins small clusters at the end of epochs."""

from copy import deepcopy

import torch
from mmengine.dataset import default_collate
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, HOOKS
from torch import Tensor
from torch.utils.data import DataLoader

from ..engine.weights import unwrap_model
from .aggregation import UNLABELLED, aggregate, edge_weights, label_agreement, nearest_neighbors, neighbor_loss
from .gca_head import GCAHead


@HOOKS.register_module()
class AggregationHook(Hook):
    """Builds GCA's neighbour graph before training, and joins small clusters at the end of each epoch from `begin` on.

    The graph is passed to the `NeighborBatchSampler`; a resumed run uses that of its checkpoint. The joined clusters
    are those of the level-0 head with the lowest loss.

    Args:
        pipeline (list[dict]): Test transforms for reading the training images.
        begin (int): First epoch, counted from 1, at the end of which clusters are joined. Defaults to 100.
        guided (bool): Whether to use labels; False gives the unguided arm of a comparison. Defaults to True.
        batch_size (int): Images per batch; the entropy in the loss of a head depends on it. Defaults to 512.

    Examples:
        >>> pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
        >>> hook = HOOKS.build(dict(type='AggregationHook', pipeline=pipeline, begin=50))
    """

    def __init__(self, pipeline: list[dict], begin: int = 100, guided: bool = True, batch_size: int = 512) -> None:
        self.pipeline = pipeline
        self.begin = begin
        self.guided = guided
        self.batch_size = batch_size

    def before_train(self, runner: Runner) -> None:
        head = unwrap_model(runner).head
        if not head.stage:
            feats, labels = training_features(runner, self.pipeline, self.batch_size)
            head.neighbors.copy_(nearest_neighbors(feats, head.neighbors.shape[1]))
            head.stage.fill_(1)
            runner.logger.info(
                f'Neighbour graph: {neighbor_agreement(labels, head.neighbors):.1f} % of the labelled neighbours of '
                'labelled images have the same label'
            )
        runner.train_dataloader.batch_sampler.set_graph(head.neighbors.cpu().numpy())

    def after_train_epoch(self, runner: Runner) -> None:
        if runner.epoch + 1 >= self.begin:
            feats, labels = training_features(runner, self.pipeline, self.batch_size)
            labels = labels if self.guided else torch.full_like(labels, UNLABELLED)
            join_clusters(unwrap_model(runner).head, feats, labels, self.batch_size, seed=runner.epoch)


@torch.no_grad()
def join_clusters(head: GCAHead, feats: Tensor, labels: Tensor, batch_size: int, seed: int) -> None:
    """Store in the head which small clusters are joined, and the cluster of each image.

    Args:
        head (GCAHead): The head, with its graph.
        feats (Tensor): (N, D), features of all training images, read with the test transforms.
        labels (Tensor): (N,), -1 for unlabelled images.
        batch_size (int): Batch size of the pass that finds the head with the lowest loss.
        seed (int): Seed of this pass.
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
    """Loss of each level-0 head: the mean over shuffled batches of all images, each image with a random neighbour.

    Args:
        logits (Tensor): (N, H, C).
        neighbors (Tensor): (N, k).
        entropy_weight (float): Weight of the entropy of a batch.
        batch_size (int): Images per batch; the last batch may be smaller, and counts equally.
        seed (int): Seed of the order and the neighbours.

    Returns:
        Tensor: (H,).
    """
    generator = torch.Generator().manual_seed(seed)
    columns = torch.randint(neighbors.shape[1], (len(logits), 1), generator=generator).to(neighbors.device)
    drawn = neighbors.gather(1, columns)[:, 0]
    batches = torch.randperm(len(logits), generator=generator).to(neighbors.device).split(batch_size)
    return torch.stack([neighbor_loss(logits[rows], logits[drawn[rows]], entropy_weight) for rows in batches]).mean(0)


def neighbor_agreement(labels: Tensor, neighbors: Tensor) -> float:
    """Percentage of the edges between different labelled images that join equal labels; NaN if there are none."""
    others = neighbors[:, 1:]
    both = (labels[:, None] != UNLABELLED) & (labels[others] != UNLABELLED)
    return 100 * (labels[:, None] == labels[others])[both].float().mean().item()


@torch.no_grad()
def training_features(runner: Runner, pipeline: list[dict], batch_size: int) -> tuple[Tensor, Tensor]:
    """Extract the feature and the label of every training image, in order; every process extracts all of them.

    Args:
        runner (Runner): Runner of a run on `CategoryDiscovery(subset='all')`.
        pipeline (list[dict]): Test transforms.
        batch_size (int): Images per batch.

    Returns:
        tuple[Tensor, Tensor]: features (N, D) and labels (N,), -1 for unlabelled images.
    """
    config = deepcopy(runner.cfg.train_dataloader)
    config.dataset.dataset.pipeline = pipeline
    dataset = DATASETS.build(config.dataset)
    model = unwrap_model(runner)
    model.eval()  # the loop sets training mode before each epoch
    feats: list[Tensor] = []
    labels: list[Tensor] = []
    loader = DataLoader(dataset, batch_size, num_workers=config.num_workers, collate_fn=default_collate)
    for batch in loader:
        batch = model.data_preprocessor(batch, False)
        feats.append(model.extract_feat(batch['inputs'])[-1].float())
        labels += [sample.gt_label for sample in batch['data_samples']]
    return torch.cat(feats), torch.cat(labels).to(feats[0].device)
