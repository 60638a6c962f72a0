import pytest
import torch
from torchvision.models import vgg

from lcv_mm.errors import ConfigError
from lcv_mm.models import VGGLayers

IMAGES = torch.randn(2, 3, 64, 48, generator=torch.Generator().manual_seed(0))


def test_the_named_layers_are_those_of_torchvisions_network(tmp_path):
    reference = torch.nn.Module()
    reference.features = vgg.make_layers(vgg.cfgs['D'])
    torch.save(reference.state_dict(), tmp_path / 'vgg16.pth')
    names = ('relu4_3', 'pool4', 'relu5_1', 'relu5_2', 'relu5_3', 'pool5')
    ends = (23, 24, 26, 28, 30, 31)  # layers of torchvision's `features` up to and with each
    model = VGGLayers(16, names, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'vgg16.pth')))
    model.init_weights()
    with torch.no_grad():
        for name, out, end in zip(names, model.eval()(IMAGES), ends, strict=True):
            assert torch.equal(out, reference.features[:end](IMAGES)), name


def test_nothing_is_computed_after_the_last_layer_also_where_it_is_asked_for_twice():
    model = VGGLayers(11, ('relu1_1', 'relu1_1')).eval()
    calls = []
    for layer in model.features:
        layer.register_forward_hook(lambda *_: calls.append(1))
    first, second = model(IMAGES)
    assert torch.equal(first, second)
    assert len(calls) == 1


@pytest.mark.parametrize('layers', [('relu5_2', 'relu5_3'), ()])
def test_a_layer_that_the_network_does_not_have_and_none_at_all_are_refused(layers):
    with pytest.raises(ConfigError, match='must name layers of'):
        VGGLayers(11, layers)
