"""The neck: each level's mean and maximum, projected; and what it says of other levels."""

import torch

from lcv_mm.phpq import PyramidHybridPooling


def test_each_level_is_projected_from_its_own_mean_and_maximum():
    neck = PyramidHybridPooling([1, 2], out_channels=1)
    first, second = torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[2.0]], [[5.0]]]])
    with torch.no_grad():
        neck.projections[0].weight.copy_(torch.tensor([[-10.0, 1.0]]))  # mean, maximum
        neck.projections[1].weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]))  # means, maxima
        for projection in neck.projections:
            projection.bias.fill_(0.5)
    # -10 * 2 + 3 + .5; one place is its own mean and maximum: 2 + 50 + 200 + 5000 + .5
    assert neck((first, second))[0].tolist() == [[-16.5, 5252.5]]


def test_every_place_and_level_gets_a_gradient_from_the_mean():
    neck = PyramidHybridPooling([2, 3], out_channels=4)
    levels = tuple(torch.rand(2, c, 3, 3, requires_grad=True) for c in (2, 3))
    neck(levels)[0].square().sum().backward()
    assert all((level.grad != 0).all() for level in levels)
