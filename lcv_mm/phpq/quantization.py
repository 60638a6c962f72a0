"""The mathematics of PHPQ: plain functions of tensors.

N images, each with M parts of d channels; M codebooks of K codewords. Parts and codewords have unit length.
"""

import torch
from torch import Tensor


def hybrid_pool(x: Tensor) -> Tensor:
    """Mean and maximum over the spatial positions, one after the other: (N, C, H, W) -> (N, 2 * C)."""
    flat = x.flatten(2)  # (N, C, H, W) -> (N, C, L)
    return torch.cat([flat.mean(2), flat.amax(2)], dim=1)


def codeword_scores(parts: Tensor, codebooks: Tensor) -> Tensor:
    """Inner product of each part with each codeword of its book: (N, M, d), (M, K, d) -> (N, M, K).

    Of a query they are the look-up tables of asymmetric search.
    """
    return torch.einsum('nmd,mkd->nmk', parts, codebooks)


def soft_codes(scores: Tensor, alpha: float, topk: int) -> Tensor:
    """Partial codebook attention: the softmax over the k codewords of highest score; the others get 0, and no gradient.

    Args:
        scores (Tensor): (N, M, K).
        alpha (float): Factor of the scores before the softmax, above 0; the higher, the harder.
        topk (int): Number of codewords that take part, in [1, K]; K is the plain softmax, 1 the hard code.

    Returns:
        Tensor: (N, M, K), each row sums to 1.
    """
    values, nearest = scores.topk(topk, dim=-1)
    return torch.zeros_like(scores).scatter(-1, nearest, torch.softmax(alpha * values, dim=-1))


def reconstruct(codes: Tensor, codebooks: Tensor) -> Tensor:
    """The codewords that codes stand for: (N, M) integers, (M, K, d) -> (N, M, d)."""
    return codebooks[torch.arange(len(codebooks), device=codes.device), codes.long()]


def quantize(parts: Tensor, codebooks: Tensor, alpha: float, topk: int) -> tuple[Tensor, Tensor]:
    """Quantise with gradients (straight-through).

    Args:
        parts (Tensor): (N, M, d).
        codebooks (Tensor): (M, K, d).
        alpha (float): As in `soft_codes`.
        topk (int): As in `soft_codes`.

    Returns:
        tuple[Tensor, Tensor]: (N, M, d), the nearest codewords by value, with the gradient of the soft ones; and the
        nearest codewords with their own gradient.
    """
    scores = codeword_scores(parts, codebooks)
    soft = torch.einsum('nmk,mkd->nmd', soft_codes(scores, alpha, topk), codebooks)
    hard = reconstruct(scores.argmax(-1), codebooks)
    return hard.detach() + (soft - soft.detach()), hard


def lookup_scores(tables: Tensor, codes: Tensor, chunk: int = 65536) -> Tensor:
    """Asymmetric scores: the inner products of queries with the codewords of a database, each a sum of M look-ups.

    Args:
        tables (Tensor): (Q, M, K), `codeword_scores` of the queries.
        codes (Tensor): (N, M), integers below K.
        chunk (int): Codes taken at a time: beside the result, (Q, chunk) numbers are held.

    Returns:
        Tensor: (Q, N).
    """
    blocks = []
    for rows in codes.split(chunk):
        block = tables.new_zeros(len(tables), len(rows))
        for book, column in enumerate(rows.long().unbind(1)):
            block = block + tables[:, book].index_select(1, column)
        blocks.append(block)
    return torch.cat(blocks, dim=1)
