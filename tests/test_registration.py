"""The three ways to name a part: bare with custom_imports, dotted with no import, and as a class."""

import subprocess
import sys

import mmpretrain
import torch
from mmpretrain.apis import ModelHub

from lcv_mm import CBPHead
from lcv_mm.launch import load_config
from lcv_mm.paper import read_rows

PARTS = {
    'MODELS': [
        *('ResidualAttention', 'CBPHead', 'ClassVarianceLoss', 'LCVClassifier', 'VGGLayers', 'BCNNHead', 'HBPHead'),
        'ResNetLayers',
    ],
    'DATASETS': ['Birdlets', 'CUB200', 'ImageFolder', 'OxfordFlower17', 'StanfordDogs'],
    'DATA_SAMPLERS': ['ClassBalancedBatchSampler'],
    'METRICS': ['ClassVarianceMetric'],
}
BARE = "custom_imports = dict(imports=['lcv_mm'])\nmodel = dict(type='ResidualAttention')\n"
DOTTED = (
    "model = dict(type='lcv_mm.LCVClassifier', backbone=dict(type='mmpretrain.ResNet', depth=18),"
    " neck=dict(type='lcv_mm.ResidualAttention'),"
    " head=dict(type='lcv_mm.CBPHead', num_classes=3, in_channels=512, out_dim=16),"
    " variance_loss=dict(type='lcv_mm.ClassVarianceLoss'))\n"
)
FORKS = """
import os, sys
import mmpretrain.registry as registry
from mmengine.config import Config

for expression in sys.argv[1:]:
    if os.fork() == 0:
        print('\\n@', eval(expression), flush=True)
        os._exit(0)
    os.wait()
"""


def test_a_part_is_found_by_its_bare_name_after_custom_imports_and_by_its_dotted_name_with_no_import():
    """Each in a fork of a fresh interpreter, where nothing is registered here or by another."""
    every = [(room, name) for room, names in PARTS.items() for name in names]
    built = 'registry.MODELS.build(Config.fromstring({!r}, ".py").model)'
    bare = f'*(getattr(registry, room).get(name).__name__ for room, name in {every})'
    expected = {
        f'[type({built.format(BARE)}).__module__, {bare}]': [
            'lcv_mm.models.residual_attention',
            *(name for _, name in every),
        ],
        **{
            f'[registry.{room}.get("lcv_mm." + name).__name__ for name in {names}]': names
            for room, names in PARTS.items()
        },
        f'[type({built.format(DOTTED)}.variance_loss).__name__]': ['ClassVarianceLoss'],
    }
    command = [sys.executable, '-W', 'ignore', '-c', FORKS, *expected]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert [line[2:] for line in done.stdout.splitlines() if line.startswith('@ ')] == [
        str(names) for names in expected.values()
    ]


def test_the_toolboxs_catalogue_lists_each_row_with_its_config_and_no_result_that_was_not_reached():
    rows = {row.config: row for row in read_rows()}
    listed = {name: info for name, info in ModelHub._models_dict.items() if name in rows}
    assert listed.keys() == rows.keys()
    assert mmpretrain.list_models('lcv_*') == sorted(name for name in rows if name.startswith('lcv_'))
    assert 'resnet18_8xb32_in1k' in mmpretrain.list_models()
    for name, info in listed.items():
        assert info.in_collection == rows[name].method.partition(' ')[0]
        assert info.metadata.training_data == rows[name].dataset
        assert info.results is None
        assert info.config.endswith(f'/{name}.py')
    assert ModelHub.get('isqrt_resnet50_cub448').config.model.head.num_classes == 200


def test_get_model_takes_a_rows_name_and_the_checkpoint_of_a_run(tmp_path):
    cfg = load_config('cbp_vgg16_flower224')
    cfg.pop('test_dataloader')  # without a checkpoint the toolbox looks its dataset up by name
    model = mmpretrain.get_model(cfg)
    torch.save(
        dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(classes=('a', 'b')))), tmp_path / 'x.pth'
    )
    again = mmpretrain.get_model('cbp_vgg16_flower224', pretrained=str(tmp_path / 'x.pth'))
    assert isinstance(again.head, CBPHead)
    assert again._dataset_meta == dict(classes=('a', 'b'))
    assert torch.equal(again.head.pool.h1, model.head.pool.h1)
