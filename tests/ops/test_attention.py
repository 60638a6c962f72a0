import torch

from lcv_mm.ops import residual_attention


def test_attention_by_hand():
    # sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4: M = F * (1 + sigmoid(F))
    x = torch.tensor([0.0, 1.0986122886681098, -1.0986122886681098], dtype=torch.float64)
    expected = torch.stack([x[0], x[1] * 1.75, x[2] * 1.25])
    torch.testing.assert_close(residual_attention(x), expected, rtol=1e-12, atol=0)
