from types import SimpleNamespace

import torch
from torch import nn

from lcv_mm.engine import ChannelsLastHook


def test_convolutions_compute_in_channels_last_and_give_the_same():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))
    x = torch.randn(2, 3, 9, 9)
    expected = model(x)
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    out = model(x)
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out, expected)
