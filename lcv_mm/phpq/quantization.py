"""The mathematics of PHPQ: plain functions of tensors.

N images have M parts of d channels each; there are M codebooks of K codewords. Parts and codewords have unit length.
"""

import torch
from torch import Tensor


def hybrid_pool(x: Tensor) -> Tensor:
    """Mean and maximum over the spatial positions, concatenated: (N, C, H, W) -> (N, 2 * C)."""
    flat = x.flatten(2)  # (N, C, H, W) -> (N, C, L)
    return torch.cat([flat.mean(2), flat.amax(2)], dim=1)


def codeword_scores(parts: Tensor, codebooks: Tensor) -> Tensor:
    """Inner product of each part with each codeword of its codebook: (N, M, d), (M, K, d) -> (N, M, K).

    For a query, these are the look-up tables of asymmetric search.
    """
    return torch.einsum('nmd,mkd->nmk', parts, codebooks)


def soft_codes(scores: Tensor, alpha: float, topk: int) -> Tensor:
    """Partial codebook attention: softmax over the k highest-scoring codewords; the others get 0 and no gradient.

    Args:
        scores (Tensor): (N, M, K).
        alpha (float): Factor of the scores before the softmax, above 0; higher values are closer to a hard code.
        topk (int): Number k of codewords, in [1, K]; K gives the plain softmax, 1 the hard code.

    Returns:
        Tensor: (N, M, K); each row sums to 1.
    """
    values, nearest = scores.topk(topk, dim=-1)
    return torch.zeros_like(scores).scatter(-1, nearest, torch.softmax(alpha * values, dim=-1))


def reconstruct(codes: Tensor, codebooks: Tensor) -> Tensor:
    """Look up the codewords of codes: (N, M) integers, (M, K, d) -> (N, M, d)."""
    return codebooks[torch.arange(len(codebooks), device=codes.device), codes.long()]


def quantize(parts: Tensor, codebooks: Tensor, alpha: float, topk: int) -> tuple[Tensor, Tensor]:
    """Quantise with straight-through gradients.

    Args:
        parts (Tensor): (N, M, d).
        codebooks (Tensor): (M, K, d).
        alpha (float): As in `soft_codes`.
        topk (int): As in `soft_codes`.

    Returns:
        tuple[Tensor, Tensor]: (N, M, d) each: the nearest codewords with the gradient of the soft codewords, and the
        nearest codewords with their own gradient.
    """
    scores = codeword_scores(parts, codebooks)
    soft = torch.einsum('nmk,mkd->nmd', soft_codes(scores, alpha, topk), codebooks)
    hard = reconstruct(scores.argmax(-1), codebooks)
    return hard.detach() + (soft - soft.detach()), hard


def lookup_scores(tables: Tensor, codes: Tensor, chunk: int = 65536) -> Tensor:
    """Asymmetric scores: inner products of queries with the codewords of a database, each a sum of M look-ups.

    Args:
        tables (Tensor): (Q, M, K), `codeword_scores` of the queries.
        codes (Tensor): (N, M), integers below K.
        chunk (int): Number of codes processed at a time; this takes (Q, chunk) numbers in addition to the result.

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
