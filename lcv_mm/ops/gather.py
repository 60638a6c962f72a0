"""Gather rows across the processes of a run."""

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn.functional import all_gather

from ..errors import ConfigError


def gather_rows(x: Tensor) -> Tensor:
    """Gather the rows of all ranks, in rank order; without a process group, return `x` itself.

    Use it for a loss on the full batch that every rank computes. Backward sums the gradients of the ranks, which are
    equal. `DistributedDataParallel` divides by the number of ranks. The parameters therefore get the gradients of one
    process with the full batch, whether the loss is a sum or a mean over the batch.

    Args:
        x (Tensor): (N, ...), this rank's rows, with the same shape on all ranks.

    Returns:
        Tensor: (R * N, ...) on R ranks.

    Raises:
        ConfigError: On every rank, if the ranks' rows differ in number or in size.

    Examples:
        >>> gather_rows(torch.tensor([[1.0, 2.0]]))  # one process
        tensor([[1., 2.]])
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return x
    _check_sizes(x)
    return torch.cat(all_gather(x))


def _check_sizes(x: Tensor) -> None:
    """Raise on all ranks together: if only one raised, the others would wait for its rows."""
    size = torch.tensor([len(x), x[:1].numel()], device=x.device)
    sizes = [torch.empty_like(size) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, size)
    rows, values = torch.stack(sizes).T.tolist()
    if len(set(rows)) > 1:
        raise ConfigError(
            f'the ranks have {rows} images; need equally many: set `round_up=True` of their DefaultSampler'
        )
    if len(set(values)) > 1:
        raise ConfigError(
            f"the ranks' images have {values} values; need equally many: set `space='pooled'` or one size"
        )
