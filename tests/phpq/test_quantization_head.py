"""The formulas of quantisation by loops and limits; the losses of the head again from its weights, in float64."""

import math

import pytest
import torch
from mmpretrain.structures import DataSample

from lcv_mm.errors import ConfigError
from lcv_mm.phpq import QuantizationHead
from lcv_mm.phpq.quantization_head import codeword_scores, quantize, soft_codes

N, M, K, D = 5, 3, 8, 4
LABELS = [0, 2, 1, 2]


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


def make(**options) -> tuple[QuantizationHead, torch.Tensor, list[DataSample]]:
    torch.manual_seed(0)
    head = QuantizationHead(3, 40, **{'bits': 16, 'part_channels': 4, **options})
    head.init_weights()
    return head, torch.randn(4, 40), [DataSample().set_gt_label(label) for label in LABELS]


def test_the_losses_are_those_of_the_formulas():
    head, feats, samples = make(scale=5.0, weight_quantization=0.3)
    head.requires_grad_(False)
    losses = head.loss((feats,), samples)
    # from the weights alone, in float64: batch norm, linear, unit length; nearest codeword; cosines; log softmax
    x = feats.double()
    x = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()
    x = (x @ head.embed.weight.double().T + head.embed.bias.double()).reshape(4, 2, 4)
    parts = x / x.norm(dim=-1, keepdim=True)
    books = head.codebooks.detach().double()
    books = books / books.norm(dim=-1, keepdim=True)
    nearest = torch.stack([books[m][(parts[:, m] @ books[m].T).argmax(1)] for m in range(2)], dim=1)
    weight = head.fc.weight.double()
    weight = weight / weight.norm(dim=-1, keepdim=True)

    def cross_entropy(rows: torch.Tensor) -> torch.Tensor:
        scores = 5.0 * (rows.reshape(4, 8) / 2**0.5) @ weight.T  # two parts of unit length: the length is sqrt(2)
        return -torch.stack([scores[n, y] - scores[n].exp().sum().log() for n, y in enumerate(LABELS)]).mean()

    errors = [float((parts - nearest)[n, m].square().sum()) for n in range(4) for m in range(2)]
    expected = {
        'loss_cls': cross_entropy(parts),
        'loss_quantized': cross_entropy(nearest),
        'loss_quantization': 0.3 * sum(errors) / 8,
    }
    assert {name: float(value) for name, value in losses.items()} == pytest.approx(
        {name: float(value) for name, value in expected.items()}, rel=1e-5
    )


def test_bits_must_fill_bytes():
    with pytest.raises(ConfigError, match='bits=20 must be a multiple of 8'):
        make(bits=20)


def test_a_last_batch_of_one_image_is_normalised_by_the_running_statistics():
    head, feats, samples = make()
    head.parts((feats,))  # moves them
    before = {name: value.clone() for name, value in head.norm.named_buffers()}
    losses = head.loss((feats[:1],), samples[:1])
    sum(losses.values()).backward()
    assert all(torch.equal(value, before[name]) for name, value in head.norm.named_buffers())
    trained = head.parts((feats[:1],))
    torch.testing.assert_close(trained, head.eval().parts((feats[:1],)))
    head.train().parts((feats,))
    assert int(head.norm.num_batches_tracked) == int(before['num_batches_tracked']) + 1  # the next batch has a variance


def test_each_loss_trains_the_embedding_and_those_of_the_codes_the_codewords():
    head, feats, samples = make()
    losses = head.loss((feats,), samples)
    for name in ('loss_cls', 'loss_quantized', 'loss_quantization'):
        trained = (head.embed.weight,) if name == 'loss_cls' else (head.embed.weight, head.codebooks)
        for grad in torch.autograd.grad(losses[name], trained, retain_graph=True):
            assert grad.abs().sum() > 0, name


def test_codes_are_those_of_float32_under_autocast():
    head, feats, _ = make()
    parts = head.eval().parts((feats,)).detach()
    expected = head.tables(parts)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(head.tables(parts), expected)
