"""The neck: each level's mean and maximum, projected."""

import torch

from lcv_mm.phpq import PyramidHybridPooling

FIRST, SECOND = torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[2.0]], [[5.0]]]])


def test_each_level_is_projected_from_its_own_mean_and_maximum():
    neck = PyramidHybridPooling([1, 2], out_channels=1)
    with torch.no_grad():
        neck.projections[0].weight.copy_(torch.tensor([[-10.0, 1.0]]))  # mean, maximum
        neck.projections[1].weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]))  # means, maxima
        for projection in neck.projections:
            projection.bias.fill_(0.5)
    # -10 * 2 + 3 + .5; one place is its own mean and maximum: 2 + 50 + 200 + 5000 + .5
    assert neck((FIRST, SECOND))[0].tolist() == [[-16.5, 5252.5]]


def test_the_projection_and_the_maximum_can_be_left_out():
    assert PyramidHybridPooling([1, 2], None)((FIRST, SECOND))[0].tolist() == [[2.0, 3.0, 2.0, 5.0, 2.0, 5.0]]
    assert PyramidHybridPooling([1, 2], None, maximum=False)((FIRST, SECOND))[0].tolist() == [[2.0, 2.0, 5.0]]
    assert PyramidHybridPooling([1, 2], 7, maximum=False)((FIRST, SECOND))[0].shape == (1, 14)
