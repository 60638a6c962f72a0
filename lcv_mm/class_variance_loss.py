"""The class-variance loss of LCV as a module."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .errors import ConfigError
from .ops.arithmetic import accumulation_dtype
from .ops.class_variance import (
    INTER,
    INTER_TERMS,
    MARGIN,
    NORMALIZE,
    REDUCTION,
    REDUCTIONS,
    TAU,
    mean_pair_distances,
    pair_losses,
    pairwise_distance,
)
from .ops.gather import gather_rows

SPACES = ('map', 'pooled', 'head')


class ClassVarianceLoss(nn.Module):
    """Pushes different classes apart and pulls each class together (LCV, Fig. 2).

    The paper leaves the form of both terms open, so each choice is an option here. `configs/_base_/lcv.py` lists all
    options with the reasons for their values.

    Args:
        inter (str): Term `phi(d)` for distances between classes: 'hinge', 'inverse', 'exp', 'negative' or 'literal',
            see `lcv_mm.ops.class_variance`. Paper: not stated. Defaults to 'hinge'.
        margin (float): For 'hinge': distance from which a pair no longer contributes, in [0, 2] for unit-length
            features. Defaults to 1.
        tau (float): For 'exp': distance over which the term falls to 1/e, above 0. Defaults to 0.5.
        normalize (bool): Scale each sample's feature to unit length first, so that distances lie in [0, 2].
            Paper: not stated. Defaults to True.
        space (str): 'map' compares the flattened attention output, the paper's M; 'pooled' its mean over spatial
            positions; 'head' the input of the head's classifier, provided by `LCVClassifier`. Defaults to 'map'.
        reduction (str): 'mean' over the pairs of each kind, or 'sum', the figure's "added". Paper: not stated.
            Defaults to 'mean'.
        weight_inter (float): Factor of the inter-class term, 0 or more. Defaults to 1, since the paper sums the terms.
        weight_intra (float): Factor of the intra-class term, 0 or more. Use it only once the classifier has learned:
            earlier, it can collapse pretrained features (docs/heads.md). Defaults to 1, like `weight_inter`.
        level (int | str): Level to compare, if the neck has several outputs: an index, or 'all' for the mean of the
            losses over all levels. Defaults to -1, the last.
        gather (bool): With several processes, take the pairs across all of them. Losses, and gradients under
            DistributedDataParallel, then equal those of one process with the full batch. Each process needs the same
            number of images. Paper: one process. Defaults to False, pairs within each process.

    Raises:
        ConfigError: If an option has an unknown value or is out of range.

    Examples:
        >>> loss = ClassVarianceLoss(margin=1.2)
        >>> loss(torch.eye(3), torch.tensor([0, 0, 1]))  # the rows are sqrt(2) apart
        {'loss_inter': tensor(0.), 'loss_intra': tensor(1.4142)}
    """

    def __init__(
        self,
        inter: str = INTER,
        margin: float = MARGIN,
        tau: float = TAU,
        normalize: bool = NORMALIZE,
        space: str = 'map',
        reduction: str = REDUCTION,
        weight_inter: float = 1.0,
        weight_intra: float = 1.0,
        level: int | str = -1,
        gather: bool = False,
    ) -> None:
        super().__init__()
        for name, value, choices in (
            ('inter', inter, INTER_TERMS),
            ('space', space, SPACES),
            ('reduction', reduction, REDUCTIONS),
        ):
            if value not in choices:
                raise ConfigError(f'ClassVarianceLoss: {name}={value!r} is unknown; choose from {list(choices)}')
        if type(level) is not int and level != 'all':
            raise ConfigError(f"ClassVarianceLoss: level={level!r} must be an index such as -1, or 'all'")
        if not 0 < tau < math.inf:
            raise ConfigError(f'ClassVarianceLoss: tau={tau} must be above 0, and finite')
        if not 0 <= margin < math.inf or (normalize and inter == 'hinge' and margin > 2):
            raise ConfigError(f'ClassVarianceLoss: margin={margin} must be in [0, 2], or >= 0 with normalize=False')
        if not (0 <= weight_inter < math.inf and 0 <= weight_intra < math.inf):
            raise ConfigError(f'ClassVarianceLoss: {weight_inter=} and {weight_intra=} must be 0 or more, and finite')
        self.inter = inter
        self.margin = margin
        self.tau = tau
        self.normalize = normalize
        self.space = space
        self.reduction = reduction
        self.weight_inter = weight_inter
        self.weight_intra = weight_intra
        self.level = level
        self.gather = gather

    def forward(self, feats: Tensor | tuple[Tensor, ...], labels: Tensor) -> dict[str, Tensor]:
        """Compute the two losses of a batch.

        Args:
            feats (Tensor | tuple[Tensor]): attention output M, (N, C, H, W) or (N, D), or a tuple of such levels; with
                `space='head'` the classifier's input (N, D).
            labels (Tensor): (N,), class indices.

        Returns:
            dict[str, Tensor]: `loss_inter` and `loss_intra`, scalars; 0 if the batch has no such pair.

        Raises:
            ConfigError: If `level` does not exist or is not a tensor, or if, with `gather`, the batches differ in size.
            ValueError: If `labels` is not (N,).
        """
        return {name: value for name, value in self.terms(feats, labels).items() if name.startswith('loss')}

    def terms(self, feats: Tensor | tuple[Tensor, ...], labels: Tensor) -> dict[str, Tensor]:
        """Compute the losses of `forward`, with its arguments and errors, and the mean distances for the log.

        Returns:
            dict[str, Tensor]: `loss_inter` and `loss_intra`; `dist_inter` and `dist_intra`, without gradient, NaN if
            the batch has no such pair.
        """
        rows = compared_rows(feats, self.space, self.level)
        if self.gather:
            rows, labels = [gather_rows(x) for x in rows], gather_rows(labels)
        terms = []  # of each level
        for x in rows:
            distances = pairwise_distance(x, normalize=self.normalize)  # (N, N)
            losses = pair_losses(distances, labels, self.inter, self.margin, self.tau, self.reduction)
            terms.append((*losses, *mean_pair_distances(distances, labels)))
        loss_inter, loss_intra, dist_inter, dist_intra = (torch.stack(term).mean() for term in zip(*terms, strict=True))
        return dict(
            loss_inter=self.weight_inter * loss_inter,
            loss_intra=self.weight_intra * loss_intra,
            dist_inter=dist_inter,
            dist_intra=dist_intra,
        )


def compared_rows(feats: Tensor | tuple[Tensor, ...], space: str, level: int | str) -> list[Tensor]:
    """The features that a pair loss compares: per level a matrix (N, D), one row per sample.

    Args:
        feats (Tensor | tuple[Tensor]): Output of the neck, (N, C, H, W) or (N, D), or a tuple of such levels.
        space (str): 'pooled' takes the mean over spatial positions; other values flatten.
        level (int | str): Index of a level, or 'all'.

    Returns:
        list[Tensor]: (N, C) with 'pooled', otherwise (N, C * H * W), or (N, D) as given.

    Raises:
        ConfigError: If the level does not exist or is not a tensor.

    Examples:
        >>> [x.shape for x in compared_rows(torch.ones(2, 3, 4, 4), 'pooled', level=-1)]
        [torch.Size([2, 3])]
    """
    levels = (feats,) if isinstance(feats, Tensor) else feats
    if isinstance(level, int):
        if not -len(levels) <= level < len(levels):
            raise ConfigError(f'the loss compares level={level}, but the neck returns {len(levels)} level(s)')
        levels = (levels[level],)
    if not all(isinstance(x, Tensor) for x in levels):
        kinds = ', '.join(type(x).__name__ for x in levels)
        raise ConfigError(f'the loss expected one tensor per level, got {kinds}; use another backbone or neck')
    if space == 'pooled':
        means = (x.flatten(2).mean(2, dtype=accumulation_dtype(x.dtype)) if x.ndim > 2 else x for x in levels)
        levels = tuple(means)  # (N, C, H, W) -> (N, C); (N, D) is unchanged
    return [x.flatten(1) for x in levels]


def single_labels(data_samples: Sequence[Any]) -> Tensor | None:
    """The class of each image, (N,); None unless each image belongs to exactly one class.

    A mixed image (Mixup, CutMix) keeps its first `gt_label` and has a two-class `gt_score`. Multi-label images have
    several values in `gt_label`, and multi-task images have none.

    Args:
        data_samples (Sequence): N data samples of MMPretrain.

    Examples:
        >>> single_labels([dict(gt_label=torch.tensor([3])), dict(gt_label=torch.tensor([1]))])
        tensor([3, 1])
    """
    labels = [sample.get('gt_label') for sample in data_samples]
    if not labels or not all(isinstance(label, Tensor) and label.numel() == 1 for label in labels):
        return None
    scores = [sample.gt_score for sample in data_samples if 'gt_score' in sample]
    if scores and (torch.stack(scores).count_nonzero(1) > 1).any():
        return None
    return torch.cat(labels)
