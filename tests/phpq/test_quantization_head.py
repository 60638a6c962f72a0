"""The head: its losses again from its weights, in float64, and what it refuses."""

import pytest
import torch
from mmpretrain.structures import DataSample

from lcv_mm.errors import ConfigError
from lcv_mm.phpq import QuantizationHead

LABELS = [0, 2, 1, 2]


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


@pytest.mark.parametrize(
    'option', [dict(bits=20), dict(bits=128), dict(attention_topk=0), dict(scale=float('nan'))], ids=str
)
def test_a_number_out_of_its_range_is_refused(option):
    (name,) = option
    with pytest.raises(ConfigError, match=f'{name}='):
        make(**option)


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
