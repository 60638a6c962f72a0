"""The mathematics of guided cluster aggregation (GCA, Otholt et al., WACV 2024): plain functions of tensors.

The paper uses N x N matrices (the neighbour graph G, pairs of images). Here the equivalent small matrices are computed
exactly. N is the number of training images, C the number of small clusters.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import TrainingError
from ..ops.arithmetic import widest_dtype

UNLABELLED = -1


def nearest_neighbors(feats: Tensor, k: int) -> Tensor:
    """The exact k nearest images of each image by Euclidean distance.

    Args:
        feats (Tensor): (N, D), one row per image.
        k (int): Number of neighbours including the image itself, in [1, N].

    Returns:
        Tensor: (N, k) int64; each row starts with the image itself, followed by the others in order of distance.

    Raises:
        TrainingError: If a feature is not finite, so that it has no neighbours.

    Examples:
        >>> nearest_neighbors(torch.tensor([[0.0], [1.0], [3.0]]), k=2).tolist()
        [[0, 1], [1, 0], [2, 1]]
    """
    if not feats.isfinite().all():
        raise TrainingError('features are not finite, so images have no neighbours; check the pretrained weights')
    feats = feats.to(widest_dtype(feats.device))  # cdist subtracts squares, which cancel
    distances = torch.cdist(feats, feats).fill_diagonal_(-1)  # the image itself comes before identical images
    return distances.topk(k, largest=False, sorted=True).indices


def edge_weights(probs: Tensor, neighbors: Tensor) -> Tensor:
    """Weight of the graph's edges between every two clusters, `P^T G P`.

    Args:
        probs (Tensor): (N, C), the assignment P of the images; rows sum to 1.
        neighbors (Tensor): (N, k), the neighbours of each image, which are the ones in its row of G.

    Returns:
        Tensor: (C, C); entry (a, b) sums `p_ia p_jb` over the edges i -> j.

    Examples:
        >>> edge_weights(torch.eye(2), torch.tensor([[0, 1], [1, 1]]))  # edges 0 -> 0, 0 -> 1 and twice 1 -> 1
        tensor([[1., 1.],
                [0., 2.]])
    """
    reached = torch.zeros_like(probs)  # G P, without a tensor of (N, k, C)
    for column in neighbors.T:
        reached += probs[column]
    return probs.T @ reached


def label_agreement(clusters: Tensor, labels: Tensor, num_clusters: int) -> Tensor:
    """Number of labelled pairs with equal labels minus those with unequal labels, between every two clusters.

    Args:
        clusters (Tensor): (N,), the cluster of each image.
        labels (Tensor): (N,), class indices; -1 for unlabelled images, which are ignored.
        num_clusters (int): C.

    Returns:
        Tensor: (C, C) float32, over ordered pairs, including each image with itself: `2 cnt cnt^T - n n^T`, where cnt
        (C, K) counts the images of each class in each cluster and n has its row sums.

    Examples:
        >>> label_agreement(torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]), num_clusters=2)
        tensor([[ 4., -2.],
                [-2.,  1.]])
    """
    known = labels != UNLABELLED
    if not known.any():
        return torch.zeros(num_clusters, num_clusters, device=labels.device)
    counts = F.one_hot(clusters[known], num_clusters).float().T @ F.one_hot(labels[known]).float()
    sizes = counts.sum(1)
    return 2 * counts @ counts.T - torch.outer(sizes, sizes)


def aggregate(weights: Tensor) -> Tensor:
    """Join each small cluster with the two clusters to which it has the largest weights; one may be itself.

    Args:
        weights (Tensor): (C, C), how strongly every two clusters belong together.

    Returns:
        Tensor: (C, C) bool, in general not symmetric.
    """
    joined = torch.zeros_like(weights, dtype=torch.bool)
    return joined.scatter_(1, weights.topk(2, dim=1).indices, True)


def neighbor_loss(anchors: Tensor, neighbors: Tensor, entropy_weight: float = 5.0) -> Tensor:
    """Loss of the small clusters: an image and its neighbour should share a cluster, and all clusters should be used.

    `mean_i -log <p_i, q_i> + w sum_c m_c log m_c`, where m is the mean of the anchors' p over the batch.

    Args:
        anchors (Tensor): (B, H, C), logits of H heads for the anchors.
        neighbors (Tensor): (B, H, C), logits for one neighbour of each anchor.
        entropy_weight (float): w. Defaults to 5.

    Returns:
        Tensor: (H,), the loss of each head.
    """
    log_p, log_q = anchors.log_softmax(-1), neighbors.log_softmax(-1)
    agreement = -(log_p + log_q).logsumexp(-1).mean(0)
    mean = log_p.exp().mean(0).clamp_min(torch.finfo(log_p.dtype).tiny)  # the slope of m log m is infinite at 0
    return agreement + entropy_weight * (mean * mean.log()).sum(-1)


def pair_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Loss of the final clusters: binary cross entropy of `<p_i, p_j>` over all pairs, including i = j.

    Args:
        logits (Tensor): (B, K).
        targets (Tensor): (B, B), whether the images' small clusters are joined.

    Returns:
        Tensor: Scalar, the mean over B x B.
    """
    with torch.autocast(logits.device.type, enabled=False):  # torch does not support this loss in half precision
        probs = logits.float().softmax(-1) if logits.dtype != torch.float64 else logits.softmax(-1)
        same = (probs @ probs.T).clamp(0, 1)  # rounding can exceed 1
        return F.binary_cross_entropy(same, targets.to(same))
