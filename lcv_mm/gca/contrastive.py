"""The two contrastive losses of generalised category discovery (Vaze et al., CVPR 2022, arXiv 2201.02609)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def contrastive_loss(feats: Tensor, positives: Tensor, temperature: float) -> Tensor:
    """InfoNCE with any positives: `-log softmax` over all other rows, mean over a row's positives, then over rows.

    With the other view as the only positive it is InfoNCE, with all images of the class it is the supervised
    contrastive loss (Khosla et al., 2020, "out" form).

    Args:
        feats (Tensor): (M, D), scaled to unit length here.
        positives (Tensor): (M, M) bool, the diagonal is ignored.
        temperature (float): Divides the cosines, above 0.

    Returns:
        Tensor: Scalar; 0 (with zero gradients) if no row has a positive.
    """
    itself = torch.eye(len(feats), dtype=torch.bool, device=feats.device)
    feats = F.normalize(feats, dim=1)
    logits = (feats @ feats.T / temperature).masked_fill(itself, -torch.inf)
    positives = positives & ~itself
    log_prob = logits.log_softmax(1).masked_fill(~positives, 0)
    counts = positives.sum(1)
    if not counts.any():
        return feats.sum() * 0
    return -(log_prob.sum(1)[counts > 0] / counts[counts > 0]).mean()


def view_pairs(num_images: int, device: torch.device | None = None) -> Tensor:
    """(2B, 2B) bool: row i of the first view and row B + i of the second are of one image."""
    ids = torch.arange(num_images, device=device).repeat(2)
    return ids[:, None] == ids
