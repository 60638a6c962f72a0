"""The formulas of quantisation: by hand, by loops, and by what their limits must be."""

import math

import pytest
import torch

from lcv_mm.phpq.quantization import codeword_scores, lookup_scores, quantize, reconstruct, soft_codes

N, M, K, D = 5, 3, 8, 4


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(x, dim=-1)


def test_attention_over_all_over_one_and_over_two_codewords():
    scores = draw(N, M, K)
    torch.testing.assert_close(soft_codes(scores, 7.0, K), torch.softmax(7.0 * scores, dim=-1), rtol=0, atol=1e-15)
    hard = torch.nn.functional.one_hot(scores.argmax(-1), K).double()
    assert torch.equal(soft_codes(scores, 7.0, 1), hard)
    probabilities = soft_codes(torch.tensor([[[0.5, -1.0, 0.2, 0.1]]]), alpha=10.0, topk=2)
    p = 1 / (1 + math.exp(10 * (0.2 - 0.5)))  # of the first against the third
    torch.testing.assert_close(probabilities, torch.tensor([[[p, 0.0, 1 - p, 0.0]]]))


def test_the_output_has_the_hard_value_and_the_gradient_of_the_soft_one():
    parts, codebooks = draw(N, M, D).requires_grad_(), draw(M, K, D, seed=1).requires_grad_()
    weights = draw(N, M, D, seed=2)
    quantized, nearest = quantize(parts, codebooks, 3.0, 4)
    for n in range(N):
        for m in range(M):
            scores = [float(parts[n, m].detach() @ codebooks[m, k].detach()) for k in range(K)]
            best = scores.index(max(scores))
            assert torch.equal(quantized[n, m], codebooks[m, best])
    assert torch.equal(quantized, nearest)
    found = torch.autograd.grad((quantized * weights).sum(), (parts, codebooks))

    # the soft output again, as a masked softmax: -inf outside of the four best
    scores = torch.stack([parts[:, m] @ codebooks[m].T for m in range(M)], dim=1)
    fourth = scores.detach().sort(-1, descending=True).values[..., 3:4]
    attention = torch.softmax(3.0 * scores.masked_fill(scores.detach() < fourth, -math.inf), dim=-1)
    soft = torch.stack([attention[:, m] @ codebooks[m] for m in range(M)], dim=1)
    for grad, expected in zip(found, torch.autograd.grad((soft * weights).sum(), (parts, codebooks)), strict=True):
        torch.testing.assert_close(grad, expected)
    assert found[0].abs().min() > 0


def test_the_nearest_codewords_have_their_own_gradient():
    """That of their distance: a step along it brings each codeword that is used nearer to its parts."""
    parts, codebooks = draw(N, M, D), draw(M, K, D, seed=1).requires_grad_()
    _, nearest = quantize(parts, codebooks, 3.0, 4)
    (parts - nearest).square().sum().backward()
    expected = torch.zeros(M, K, D, dtype=torch.float64)
    codes = codeword_scores(parts, codebooks).argmax(-1)
    for n in range(N):
        for m in range(M):
            expected[m, codes[n, m]] += 2 * (codebooks[m, codes[n, m]] - parts[n, m]).detach()
    torch.testing.assert_close(codebooks.grad, expected)


@pytest.mark.parametrize('chunk', [1, 4, 1000])
def test_look_ups_sum_to_the_inner_product_with_the_reconstruction_whatever_the_chunk(chunk):
    queries, codebooks = draw(4, 2, D), draw(2, 256, D, seed=1)
    codes = torch.tensor([[255, 0], [128, 255], [3, 4], [0, 0], [254, 1]], dtype=torch.uint8)
    scores = lookup_scores(codeword_scores(queries, codebooks), codes, chunk)
    for q in range(4):
        for n, (first, second) in enumerate(codes.tolist()):
            item = torch.cat([codebooks[0, first], codebooks[1, second]])
            assert float(scores[q, n]) == pytest.approx(float(queries[q].flatten() @ item), abs=1e-12)
            assert torch.equal(reconstruct(codes, codebooks)[n].flatten(), item)
