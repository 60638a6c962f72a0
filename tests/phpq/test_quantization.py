"""The formulas of quantisation: by hand, by loops, and by what their limits must be."""

import math

import pytest
import torch

from lcv_mm.phpq.quantization import codeword_scores, hybrid_pool, lookup_scores, quantize, reconstruct, soft_codes

N, M, K, D = 5, 3, 8, 4


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(x, dim=-1)


def test_a_map_is_pooled_by_its_mean_and_its_maximum():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[-4.0, -1.0], [-2.0, -1.0]]]])
    assert hybrid_pool(x).tolist() == [[3.0, -2.0, 6.0, -1.0]]  # means of both channels, then maxima


def test_scores_are_inner_products_with_the_codewords_of_the_parts_own_book():
    parts, codebooks = draw(N, M, D), draw(M, K, D, seed=1)
    scores = codeword_scores(parts, codebooks)
    for n in range(N):
        for m in range(M):
            for k in range(K):
                expected = sum(float(parts[n, m, d] * codebooks[m, k, d]) for d in range(D))
                assert float(scores[n, m, k]) == pytest.approx(expected, abs=1e-12)


def test_attention_over_all_codewords_is_the_plain_softmax():
    scores = draw(N, M, K)
    torch.testing.assert_close(soft_codes(scores, 7.0, K), torch.softmax(7.0 * scores, dim=-1), rtol=0, atol=1e-15)


def test_attention_over_one_codeword_is_the_hard_code():
    scores = draw(N, M, K)
    hard = torch.nn.functional.one_hot(scores.argmax(-1), K).double()
    assert torch.equal(soft_codes(scores, 7.0, 1), hard)


@pytest.mark.parametrize('topk', [1, 3, K])
def test_masked_codewords_get_no_gradient(topk):
    parts, codebooks = draw(N, M, D), draw(M, K, D, seed=1).requires_grad_()
    quantized, _ = quantize(parts[:1], codebooks, 2.0, topk)
    (quantized * draw(1, M, D, seed=2)).sum().backward()
    trained = codebooks.grad.abs().sum(-1) > 0  # (M, K)
    kept = codeword_scores(parts[:1], codebooks)[0].topk(topk, dim=-1).indices
    assert torch.equal(trained, torch.zeros(M, K, dtype=torch.bool).scatter(1, kept, True))


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


def test_attention_passes_gradcheck():
    scores = draw(2, M, K).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: soft_codes(s, 2.0, 3), (scores,))


@pytest.mark.parametrize('chunk', [1, 4, 7, 1000])
def test_look_ups_sum_to_the_inner_product_with_the_reconstruction_whatever_the_chunk(chunk):
    queries, codebooks = draw(4, M, D), draw(M, K, D, seed=1)
    codes = torch.randint(K, (7, M), generator=torch.Generator().manual_seed(3)).to(torch.uint8)
    scores = lookup_scores(codeword_scores(queries, codebooks), codes, chunk)
    for q in range(4):
        for n in range(7):
            item = torch.cat([codebooks[m, int(codes[n, m])] for m in range(M)])
            assert float(scores[q, n]) == pytest.approx(float(queries[q].flatten() @ item), abs=1e-12)


def test_a_code_of_255_is_the_last_of_256_codewords():
    codebooks = draw(2, 256, D)
    codes = torch.tensor([[255, 0], [128, 255]], dtype=torch.uint8)
    expected = torch.stack([codebooks[0][[255, 128]], codebooks[1][[0, 255]]], dim=1)
    assert torch.equal(reconstruct(codes, codebooks), expected)
    tables = codeword_scores(draw(1, 2, D, seed=4), codebooks)
    assert lookup_scores(tables, codes)[0, 1] == tables[0, 0, 128] + tables[0, 1, 255]
