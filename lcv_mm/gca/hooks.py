"""The hooks of GCA: the neighbour graph before training, the small clusters joined at the end of epochs."""

from copy import deepcopy

import torch
from mmengine.dataset import default_collate
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, HOOKS
from torch import Tensor
from torch.utils.data import DataLoader

from ..engine.checkpoint_fit_hook import unwrap_model
from ..errors import ConfigError
from .aggregation import (
    UNLABELLED,
    aggregate,
    edge_weights,
    label_agreement,
    nearest_neighbors,
    neighbor_loss,
)
from .gca_head import GCAHead


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
            raise ConfigError(f'AggregationHook: {begin=} must be a whole number from 1 up')
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
            raise ConfigError('NeighborGraphHook: set train_dataloader.batch_sampler to a NeighborBatchSampler')
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


def gca_head(runner: Runner) -> GCAHead:
    """The head of a run's model.

    Raises:
        ConfigError: If it is not a `GCAHead`.
    """
    head = getattr(unwrap_model(runner), 'head', None)
    if not isinstance(head, GCAHead):
        raise ConfigError(f'the hooks of GCA need a GCAHead, got {type(head).__name__}; set model.head.type')
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
        raise ConfigError(f'model.head.num_images={num_images}, but there are {len(dataset)} training images')
    model = unwrap_model(runner)
    model.eval()  # the loop sets it to training before each epoch
    feats: list[Tensor] = []
    labels: list[Tensor] = []
    loader = DataLoader(dataset, batch_size, num_workers=config.num_workers, collate_fn=default_collate)
    for batch in loader:
        batch = model.data_preprocessor(batch, False)
        feats.append(model.extract_feat(batch['inputs'])[-1].float())
        labels += [sample.gt_label for sample in batch['data_samples']]
    return torch.cat(feats), torch.cat(labels).to(feats[0].device)
