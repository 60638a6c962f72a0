"""The two pair losses of LCV (Fig. 2)."""

import torch
from torch import Tensor

from .distance import normalized_pairwise_distance, pairwise_distance

# How the distance of a pair of different classes enters the loss. The paper draws "loss1" and does not write it:
# each is a reading of its aim, "maximize inter-class distance".
INTER_TERMS = {
    'hinge': lambda distance, margin, tau: (margin - distance).relu(),
    'inverse': lambda distance, margin, tau: 1 / (1 + distance),
    'exp': lambda distance, margin, tau: (-distance / tau).exp(),
    'negative': lambda distance, margin, tau: -distance,
    'literal': lambda distance, margin, tau: distance,
}


def class_variance(
    feats: Tensor,
    labels: Tensor,
    inter: str = 'hinge',
    margin: float = 1.0,
    tau: float = 0.5,
    normalize: bool = True,
    reduction: str = 'mean',
) -> tuple[Tensor, Tensor]:
    """Pair losses of a batch (LCV, Fig. 2).

    Over the pairs i < j, with d the Euclidean distance of the two rows: the inter-class loss (the paper's loss1) is
    phi(d) over the pairs of different labels, the intra-class loss (loss2) is d over the pairs of one label.

    Args:
        feats (Tensor): (N, D), the attention output M, one row a sample.
        labels (Tensor): (N,), class indices.
        inter (str): phi: 'hinge' relu(margin - d), 'inverse' 1 / (1 + d), 'exp' exp(-d / tau), 'negative' -d, or
            'literal' +d (the text verbatim, against its own aim: for the ablation alone).
        margin (float): Distance from which two classes are far enough, in [0, 2] for unit-length rows.
        tau (float): Distance over which 'exp' falls to 1/e, above 0.
        normalize (bool): Scale each row to unit length first, so that d is in [0, 2].
        reduction (str): 'mean' over the pairs of each kind, or 'sum'.

    Returns:
        tuple[Tensor, Tensor]: inter-class and intra-class loss, scalars; 0, and still attached to the graph, where
        there is no such pair.

    Raises:
        ValueError: If `feats` and `labels` differ in length, or `inter` or `reduction` is unknown.
    """
    distance = normalized_pairwise_distance(feats) if normalize else pairwise_distance(feats)
    return pair_losses(distance, labels, inter, margin, tau, reduction)


def pair_losses(
    distance: Tensor,
    labels: Tensor,
    inter: str = 'hinge',
    margin: float = 1.0,
    tau: float = 0.5,
    reduction: str = 'mean',
) -> tuple[Tensor, Tensor]:
    """The two losses of `class_variance` from the distances (N, N) of its rows."""
    if inter not in INTER_TERMS:
        raise ValueError(f'inter={inter!r} is not a reading of the inter-class loss; choose from {list(INTER_TERMS)}')
    if reduction not in ('mean', 'sum'):
        raise ValueError(f"reduction={reduction!r} is unknown; choose 'mean' (over the pairs of each kind) or 'sum'")
    different, same = pair_masks(distance, labels)
    loss_inter = (INTER_TERMS[inter](distance, margin, tau) * different).sum()
    loss_intra = (distance * same).sum()
    if reduction == 'mean':
        loss_inter = loss_inter / different.sum().clamp(min=1)  # no pair: 0 / 1, with a gradient of 0
        loss_intra = loss_intra / same.sum().clamp(min=1)
    return loss_inter, loss_intra


def mean_pair_distances(distance: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean distance between classes and within them.

    Args:
        distance (Tensor): (N, N), distances of a batch.
        labels (Tensor): (N,), class indices.

    Returns:
        tuple[Tensor, Tensor]: mean over the pairs of different labels and over those of one label, scalars without
        gradient; NaN where there is no such pair.
    """
    distance = distance.detach()
    different, same = pair_masks(distance, labels)
    return (distance * different).sum() / different.sum(), (distance * same).sum() / same.sum()


def pair_masks(distance: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which entries (i, j), i < j, pair two different labels, and which one label: two (N, N) booleans."""
    if labels.shape != distance.shape[:1]:
        raise ValueError(
            f'labels must hold one class index for each of the {len(distance)} samples, shape ({len(distance)},), '
            f'but got {tuple(labels.shape)}'
        )
    equal = labels[:, None] == labels
    upper = torch.ones_like(equal).triu(1)
    return upper & ~equal, upper & equal
