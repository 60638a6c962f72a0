import pytest
import torch
from torchvision.models import resnet18

from lcv_mm.errors import ConfigError
from lcv_mm.models import ResNetLayers

IMAGES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def test_the_named_layers_are_those_of_torchvisions_network(tmp_path):
    reference = resnet18(weights=None).train()
    reference(IMAGES)  # moves the running statistics
    torch.save(reference.eval().state_dict(), tmp_path / 'resnet18.pth')
    names = ('layer3.1', 'layer4.0.relu1', 'layer4.0', 'layer4.1.relu1', 'layer4.1')
    model = ResNetLayers(18, names, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet18.pth')))
    model.init_weights()
    x = IMAGES
    with torch.no_grad():
        for name in ('conv1', 'bn1', 'relu', 'maxpool', 'layer1', 'layer2', 'layer3'):
            x = getattr(reference, name)(x)
        first, second = reference.layer4
        expected = [x, first.relu(first.bn1(first.conv1(x))), first(x)]
        expected += [second.relu(second.bn1(second.conv1(expected[2]))), second(expected[2])]
        outs = model.eval()(IMAGES)
    for name, out, want in zip(names, outs, expected, strict=True):
        torch.testing.assert_close(out, want, rtol=1e-5, atol=1e-5, msg=name)


def test_a_layer_may_be_asked_for_more_than_once():
    outs = ResNetLayers(18, ('layer4.1', 'layer4.0.relu1', 'layer4.1')).eval()(IMAGES)
    assert torch.equal(outs[0], outs[2])
    assert [out.shape[1] for out in outs] == [512] * 3


@pytest.mark.parametrize('layers', [('layer4.1', 'layer4.2'), ()])
def test_a_layer_that_the_network_does_not_have_and_none_at_all_are_refused(layers):
    with pytest.raises(ConfigError, match='must name layers of'):
        ResNetLayers(18, layers)
