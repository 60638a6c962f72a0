"""The two pair losses of LCV (Fig. 2) on the pairwise Euclidean distances within a batch."""

import torch
from torch import Tensor

from .arithmetic import accumulation_dtype, no_autocast, widest_dtype

# Choices that the paper leaves open. Their defaults are defined only here; configs/_base_/lcv.py gives the reasons.
INTER, MARGIN, TAU, NORMALIZE, REDUCTION = 'hinge', 1.0, 0.5, True, 'mean'

# Terms for the distance of a pair of different classes. The paper draws "loss1" without a formula. Each term is one
# reading of its aim, "maximize inter-class distance".
INTER_TERMS = {
    'hinge': lambda distance, margin, tau: (margin - distance).relu(),
    'inverse': lambda distance, margin, tau: 1 / (1 + distance),
    'exp': lambda distance, margin, tau: (-distance / tau).exp(),
    'negative': lambda distance, margin, tau: -distance,
    'literal': lambda distance, margin, tau: distance,
}
REDUCTIONS = ('mean', 'sum')

# Columns converted to float64 at a time: 16 rows take 2 MB, which fits into the cache of one core.
CHUNK = 16384
# Squared distances below this share of the squared lengths are rounding noise of float32 features and count as 0.
RESOLUTION = 1e-14


def class_variance(
    feats: Tensor,
    labels: Tensor,
    *,
    inter: str = INTER,
    margin: float = MARGIN,
    tau: float = TAU,
    normalize: bool = NORMALIZE,
    reduction: str = REDUCTION,
) -> tuple[Tensor, Tensor]:
    """Pair losses of a batch (LCV, Fig. 2).

    Let d be the Euclidean distance of the rows i < j. The inter-class loss (the paper's loss1) reduces phi(d) over the
    pairs with different labels. The intra-class loss (loss2) reduces d over the pairs with the same label.

    Args:
        feats (Tensor): (N, D), the attention output M, one row per sample.
        labels (Tensor): (N,), class indices.
        inter (str): phi: 'hinge' relu(margin - d), 'inverse' 1 / (1 + d), 'exp' exp(-d / tau), 'negative' -d, or
            'literal' +d (the text taken literally, which contradicts its aim; for ablation only). Defaults to 'hinge'.
        margin (float): Distance from which two classes are far enough, in [0, 2] for unit-length rows. Defaults to 1.
        tau (float): Distance over which 'exp' falls to 1/e, above 0. Defaults to 0.5.
        normalize (bool): Scale each row to unit length first, so that d is in [0, 2]. Defaults to True.
        reduction (str): 'mean' over the pairs of each kind, or 'sum'. Defaults to 'mean'.

    Returns:
        tuple[Tensor, Tensor]: inter-class and intra-class loss, scalars; 0, but still attached to the graph, if
        there is no such pair.

    Raises:
        ValueError: If `feats` and `labels` differ in length, or `inter` or `reduction` is unknown.

    Examples:
        >>> feats = torch.tensor([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0]])
        >>> class_variance(feats, torch.tensor([0, 0, 1]), margin=6.0, normalize=False)
        (tensor(2.), tensor(4.))
    """
    return pair_losses(pairwise_distance(feats, normalize=normalize), labels, inter, margin, tau, reduction)


def pair_losses(
    distance: Tensor, labels: Tensor, inter: str, margin: float, tau: float, reduction: str
) -> tuple[Tensor, Tensor]:
    """The two losses of `class_variance`, given the distances of its rows.

    Args:
        distance (Tensor): (N, N), distances of a batch.
        labels (Tensor): (N,), class indices.
        inter, margin, tau, reduction: As for `class_variance`.

    Returns:
        tuple[Tensor, Tensor]: inter-class and intra-class loss, scalars; 0 if there is no such pair.

    Raises:
        ValueError: If labels are not (N,), or `inter` or `reduction` is unknown.

    Examples:
        >>> distance = torch.tensor([[0.0, 4.0, 3.0], [4.0, 0.0, 5.0], [3.0, 5.0, 0.0]])
        >>> pair_losses(distance, torch.tensor([0, 0, 1]), 'hinge', margin=6.0, tau=0.5, reduction='mean')
        (tensor(2.), tensor(4.))
    """
    for name, value, choices in (('inter', inter, INTER_TERMS), ('reduction', reduction, REDUCTIONS)):
        if value not in choices:
            raise ValueError(f'{name}={value!r} is unknown; choose from {list(choices)}')
    different, same = _pair_masks(distance, labels)
    loss_inter = (INTER_TERMS[inter](distance, margin, tau) * different).sum()
    loss_intra = (distance * same).sum()
    if reduction == 'mean':
        loss_inter = loss_inter / different.sum().clamp(min=1)  # without a pair: 0 / 1, with a gradient of 0
        loss_intra = loss_intra / same.sum().clamp(min=1)
    return loss_inter, loss_intra


def mean_pair_distances(distance: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean distance between classes and within them.

    Args:
        distance (Tensor): (N, N), distances of a batch.
        labels (Tensor): (N,), class indices.

    Returns:
        tuple[Tensor, Tensor]: mean over the pairs with different labels and over the pairs with the same label,
        scalars without gradient; NaN if there is no such pair.

    Raises:
        ValueError: If labels are not (N,).

    Examples:
        >>> distance = torch.tensor([[0.0, 4.0, 3.0], [4.0, 0.0, 6.0], [3.0, 6.0, 0.0]])
        >>> mean_pair_distances(distance, torch.tensor([0, 0, 1]))
        (tensor(4.5000), tensor(4.))
    """
    distance = distance.detach()
    different, same = _pair_masks(distance, labels)
    return (distance * different).sum() / different.sum(), (distance * same).sum() / same.sum()


def _pair_masks(distance: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (N, N) of the pairs i < j with different labels, and with the same label."""
    if labels.shape != distance.shape[:1]:
        raise ValueError(f'labels must have the shape ({len(distance)},), one per sample, but got {(*labels.shape,)}')
    equal = labels[:, None] == labels
    upper = torch.ones_like(equal).triu(1)
    return upper & ~equal, upper & equal


def pairwise_distance(x: Tensor, *, normalize: bool = False) -> Tensor:
    """Pairwise Euclidean distances of the rows.

    The Gram matrix of the rows, shifted by the first one unless `normalize`, is summed in float64 (on Apple's MPS, in
    float32). A distance of 1e-4 of the rows' length then keeps 6 digits; in float32 it would keep none. No (N, N, D)
    tensor is built. The gradient at distance 0 is 0.

    Args:
        x (Tensor): (N, D), one row per sample.
        normalize (bool): Scale each row to unit length first, so that distances are in [0, 2]; rows of zeros stay
            zero. The Gram matrix is scaled instead of the rows, so no copy of them is made. Defaults to False.

    Returns:
        Tensor: (N, N), symmetric, 0 on the diagonal; float32, or float64 for float64 rows. Distances to a row with NaN
        or inf are NaN; without `normalize`, all are if the first row has one.

    Examples:
        >>> pairwise_distance(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
        tensor([[0., 5.],
                [5., 0.]])
    """
    gram = _Gram.apply(x, not normalize)
    if normalize:
        square = gram.diagonal()
        scale = square.masked_fill(square < 1e-24, torch.inf).rsqrt()  # 0 for a row of zeros, and so its gradient
        gram = gram * scale[:, None] * scale
    square = gram.diagonal()
    lengths = square[:, None] + square
    squared = lengths - 2 * gram  # |a - b|^2 = |a|^2 + |b|^2 - 2ab
    resolution = max(RESOLUTION, 4 * torch.finfo(gram.dtype).eps)
    # NaN does not count as equal: distances to a non-finite row are NaN
    equal = (squared <= resolution * lengths).fill_diagonal_(True)
    root = squared.masked_fill(equal, 1.0).sqrt()  # the slope of the root is infinite at 0, so mask these entries
    return root.masked_fill(equal, 0.0).to(accumulation_dtype(x.dtype))


class _Gram(torch.autograd.Function):
    """Gram matrix (N, N) in `widest_dtype` of rows of any dtype, without a full copy of the rows in that dtype.

    With `shift`, the first row is subtracted from all. The gradient is then correct only for functions that do not
    depend on a common shift.
    """

    @staticmethod
    def forward(ctx, x, shift):
        ctx.save_for_backward(x)
        ctx.shift = shift
        gram = x.new_zeros(len(x), len(x), dtype=widest_dtype(x.device))
        with no_autocast(x):
            for chunk in x.split(CHUNK, dim=1):
                chunk = chunk.to(gram.dtype)
                if shift:
                    chunk = chunk - chunk[:1]
                gram = gram.addmm(chunk, chunk.T)
        return gram

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        with no_autocast(x):
            wide = x.to(accumulation_dtype(x.dtype))
            if ctx.shift:
                wide = wide - wide[:1]
            return ((grad + grad.T).to(wide.dtype) @ wide).to(x.dtype), None
