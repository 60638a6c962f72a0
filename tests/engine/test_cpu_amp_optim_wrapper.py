import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from lcv_mm.engine import CPUAmpOptimWrapper


def one_step(wrapper_type: type[OptimWrapper]) -> tuple[torch.dtype, torch.Tensor]:
    """The type in which a linear layer computed, and its weight behind one step."""
    torch.manual_seed(0)
    model = nn.Linear(8, 8)
    wrapper = wrapper_type(torch.optim.SGD(model.parameters(), lr=0.1))
    with wrapper.optim_context(model):
        out = model(torch.ones(2, 8))
    wrapper.update_params(out.float().square().sum())
    return out.dtype, model.weight.detach()


def test_the_model_runs_in_bfloat16_and_its_weights_stay_float32():
    dtype, weight = one_step(CPUAmpOptimWrapper)
    reference_dtype, reference = one_step(OptimWrapper)
    assert (dtype, reference_dtype) == (torch.bfloat16, torch.float32)
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, reference, rtol=2e-2, atol=2e-2)
    assert not torch.equal(weight, reference)


def test_gradients_accumulate_as_in_the_toolbox():
    model = nn.Linear(2, 1)
    before = model.weight.detach().clone()
    wrapper = CPUAmpOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    for expected_change in (False, True):
        with wrapper.optim_context(model):
            loss = model(torch.ones(1, 2)).sum()
        wrapper.update_params(loss)
        assert torch.equal(model.weight, before) != expected_change


def test_autocast_ends_with_the_context():
    model = nn.Linear(2, 1)
    wrapper = CPUAmpOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(RuntimeError, match='stop'), wrapper.optim_context(model):
        raise RuntimeError('stop')
    assert model(torch.ones(1, 2)).dtype == torch.float32
