"""Pretrained weights load exactly, or say why they do not."""

import socket
from functools import partial
from pathlib import Path

import pytest
import torch
import torchvision
from mmengine.runner import CheckpointLoader
from mmpretrain.models import VGG
from torch import nn
from torchvision.models import vgg

from lcv_mm.errors import CheckpointError, WeightsError
from lcv_mm.models.strict_backbone import load_pretrained
from lcv_mm.models.vgg_layers import rename_torchvision_vgg


def load_vgg(module: VGG, file: Path | str, **kwargs: str) -> None:
    load_pretrained(module, file, rename=partial(rename_torchvision_vgg, module=module), **kwargs)
    module.eval()


@torch.no_grad()
def test_torchvisions_vgg_with_norms_computes_the_same_here(tmp_path):
    theirs = nn.Module()
    theirs.features = vgg.make_layers(vgg.cfgs['A'], batch_norm=True)
    for key, buffer in theirs.named_buffers():
        if key.endswith(('running_mean', 'running_var')):
            buffer.uniform_(0.5, 1.5)
    torch.save(theirs.eval().state_dict(), tmp_path / 'vgg.pth')
    ours = VGG(11, norm_cfg={'type': 'BN'}, with_last_pool=False)
    load_vgg(ours, tmp_path / 'vgg.pth')
    image = torch.randn(1, 3, 64, 64)
    assert torch.equal(ours(image)[-1], theirs.features[:-1](image))


def test_a_classifiers_backbone_is_taken_by_its_prefix(tmp_path):
    saved, ours = VGG(11, with_last_pool=False), VGG(11, with_last_pool=False)
    weights = {f'backbone.{key}': value for key, value in saved.state_dict().items()}
    torch.save({'state_dict': {**weights, 'head.fc.weight': torch.zeros(2, 2)}}, tmp_path / 'classifier.pth')
    load_vgg(ours, tmp_path / 'classifier.pth', prefix='backbone')
    for key, value in ours.state_dict().items():
        assert torch.equal(value, saved.state_dict()[key])


FORMS = {  # of a file of torchvision's or timm's VGG, whose convolutions have the same names
    'as it is': lambda weights: weights,
    'of DataParallel, in a checkpoint': lambda weights: {
        'state_dict': {f'module.{key}': value for key, value in weights.items()}
    },
    'under model': lambda weights: {'model': weights},
    'in float16': lambda weights: {key: value.half() for key, value in weights.items()},
}


@pytest.mark.parametrize(('form', 'zipped'), [*((form, True) for form in FORMS), ('as it is', False)])
def test_weights_are_loaded_in_each_form(form, zipped, safe_checkpoints, tmp_path):
    theirs = vgg.make_layers(vgg.cfgs['A']).state_dict()
    weights = {f'features.{key}': value for key, value in theirs.items()}
    torch.save(FORMS[form](weights), tmp_path / 'vgg.pth', _use_new_zipfile_serialization=zipped)
    ours = VGG(11)
    load_vgg(ours, tmp_path / 'vgg.pth')
    rtol = 1e-3 if form == 'in float16' else 0
    for got, expected in zip(ours.state_dict().values(), weights.values(), strict=True):
        torch.testing.assert_close(got, expected, rtol=rtol, atol=rtol / 1e4)


def test_weights_of_another_model_are_an_error_and_change_nothing(tmp_path):
    file = tmp_path / 'resnet18.pth'
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), file)
    module = VGG(16)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_vgg(module, file)
    assert str(caught.value).startswith(f'{file}: 0 of the 26 tensors of VGG fit.')
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_a_server_that_refuses_is_an_error_with_a_way_out(cache, safe_checkpoints):
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        port = closed.getsockname()[1]
    message = f'x.pth: could not be downloaded from http://.*Put it into {cache}.*init_cfg=None'
    for load in (partial(load_pretrained, nn.Linear(9, 9)), CheckpointLoader.load_checkpoint):
        with pytest.raises(WeightsError, match=message):
            load(f'http://127.0.0.1:{port}/x.pth')
    assert list(cache.iterdir()) == []


def test_a_download_that_breaks_off_leaves_nothing_to_be_taken_later(server, cache, tmp_path):
    torch.save(nn.Linear(9, 9).state_dict(), tmp_path / 'linear.pth')
    server.files['weights.pth'] = (tmp_path / 'linear.pth').read_bytes()
    server.cuts = [len(server.files['weights.pth']) // 2]
    with pytest.raises(CheckpointError, match=r'weights\.pth: damaged'):
        load_pretrained(nn.Linear(9, 9), server.url('weights.pth'))
    assert list(cache.iterdir()) == []
    load_pretrained(nn.Linear(9, 9), server.url('weights.pth'))
    assert [file.name for file in cache.iterdir()] == ['weights.pth']
