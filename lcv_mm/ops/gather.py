"""The rows of all processes of a run."""

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn.functional import all_gather

from ..errors import ConfigError


def gather_rows(x: Tensor) -> Tensor:
    """Gather the rows of all ranks, in the order of the ranks; without a process group return `x` itself.

    Use it for a loss of the whole batch that every rank computes. Backward adds up the ranks' gradients, which are
    equal. `DistributedDataParallel` divides by the number of ranks, so the parameters get the gradients of one process
    with the whole batch, whether the loss is a sum or a mean over the batch.

    Args:
        x (Tensor): (N, ...), this rank's rows, of one shape on all ranks.

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
    """Raise on all ranks alike: a rank that raised alone would leave the others waiting for its rows."""
    size = torch.tensor([len(x), x[:1].numel()], device=x.device)
    sizes = [torch.empty_like(size) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, size)
    rows, values = torch.stack(sizes).T.tolist()
    if len(set(rows)) > 1:
        raise ConfigError(f'the ranks hold {rows} images; to gather them, set `round_up=True` of their DefaultSampler')
    if len(set(values)) > 1:
        raise ConfigError(f"the ranks' images have {values} values; to gather them, set `space='pooled'` or one size")
