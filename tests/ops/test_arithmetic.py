import pytest
import torch

from lcv_mm.ops import arithmetic
from lcv_mm.ops.arithmetic import add_matrix_product, matrix_product, widest_dtype


@pytest.fixture(params=[False, True], ids=['product', 'convolution'])
def either_form(request, monkeypatch):
    """Both forms on whatever processor the tests run."""
    monkeypatch.setattr(arithmetic, 'AS_CONVOLUTION', request.param)


def draw(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=dtype)


@pytest.mark.parametrize('transposed', [False, True])
def test_the_product_is_that_of_float64(either_form, transposed):
    a, b = draw(70, 90), draw(50, 90).T if transposed else draw(90, 50)
    torch.testing.assert_close(matrix_product(a, b).double(), a.double() @ b.double(), rtol=0, atol=1e-4)


def test_a_narrow_product_is_added_to_a_wide_sum(either_form):
    out = torch.full((1, 1), 4096.0)  # in bfloat16 4096 + 1 is 4096
    one = torch.ones(1, 1, dtype=torch.bfloat16)
    add_matrix_product(out, one, one)
    assert out.item() == 4097


def test_apples_mps_has_no_float64():
    assert [widest_dtype(torch.device(name)) for name in ('mps', 'cpu')] == [torch.float32, torch.float64]
