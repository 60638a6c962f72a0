from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lcv_mm.engine import CompileHook
from lcv_mm.errors import ConfigError


class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x).relu()


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(x))


def test_the_part_is_compiled_and_gives_the_same_under_the_same_keys():
    torch.manual_seed(0)
    model, x = Model(), torch.randn(3, 4)
    keys, expected = list(model.state_dict()), model(x)
    graphs = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> object:
        graphs.append(graph)
        return graph.forward

    CompileHook(backend=backend, fullgraph=True).before_train(SimpleNamespace(model=model))
    torch.testing.assert_close(model(x), expected)
    assert len(graphs) == 1
    assert list(model.state_dict()) == keys


def test_a_part_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"no part 'neck'; choose from \['backbone', 'head'\]"):
        CompileHook(parts=['neck']).before_train(SimpleNamespace(model=Model()))
