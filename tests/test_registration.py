"""The ways to name a part: bare with custom_imports, and dotted with no import."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import mmpretrain
import pytest
import torch
from mmpretrain.apis import ModelHub

from lcv_mm import CBPHead
from lcv_mm.launch import load_config
from lcv_mm.reproduce.paper import read_rows

ROOT = Path(__file__).parents[1]
PARTS = 'VGGLayers', 'ResNetLayers', 'ResidualAttention', 'BCNNHead', 'CBPHead', 'HBPHead', 'LCVClassifier'
WITHOUT_TOOLBOX = """
import sys
sys.modules.update(dict.fromkeys(['mmengine', 'mmcv', 'mmpretrain']))  # importing one of them fails

import torch
from lcv_mm import ClassVarianceLoss, ops
print(ops.bilinear_pool(torch.tensor([[[1.0, 3.0], [2.0, 2.0]]])).tolist())
losses = ClassVarianceLoss()(torch.tensor([[3.0, 0.0], [0.0, 4.0], [0.0, 1.0]]), torch.tensor([0, 0, 1]))
print(losses['loss_intra'].square().item())
import lcv_mm
lcv_mm.CBPHead
"""


def test_without_the_toolbox_there_are_the_operations_and_the_loss_and_an_error_says_what_the_rest_needs():
    done = subprocess.run([sys.executable, '-c', WITHOUT_TOOLBOX], capture_output=True, text=True, check=False)
    pooled, distance = done.stdout.splitlines()
    assert pooled == str([[5.0, 4.0, 4.0, 4.0]])  # the mean of (1, 2)(1, 2)^T and (3, 2)(3, 2)^T
    assert float(distance) == pytest.approx(2)  # between two axes
    assert 'ImportError: lcv_mm.CBPHead needs MMPretrain' in done.stderr


def test_the_toolboxs_catalogue_lists_each_row_with_its_config_and_no_result_that_was_not_reached():
    rows = {row.config: row for row in read_rows()}
    listed = {name: info for name, info in ModelHub._models_dict.items() if name in rows}
    assert listed.keys() == rows.keys()
    assert mmpretrain.list_models('lcv_*') == sorted(name for name in rows if name.startswith('lcv_'))
    assert 'resnet18_8xb32_in1k' in mmpretrain.list_models()
    for name, info in listed.items():
        assert info.in_collection == rows[name].method.partition(' ')[0]
        assert info.metadata.training_data == rows[name].dataset
        assert info.config.endswith(f'/{name}.py')
    runs = [json.loads(line) for line in (ROOT / 'records/rows.jsonl').read_text().splitlines()]
    reached = {name: [run['top1'] for run in runs if (run['config'], run['arm']) == (name, 'rows')] for name in rows}
    results = {name: info.results[0].metrics for name, info in listed.items() if info.results}
    assert results == {name: {'Top 1 Accuracy': round(fmean(top1), 2)} for name, top1 in reached.items() if top1}
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


CODE = """
import os, sys
import mmpretrain.registry as registry
from mmengine.config import Config

if os.fork() == 0:
    print('@dotted', *(registry.MODELS.get(f'lcv_mm.{name}').__name__ for name in sys.argv[1:]), flush=True)
    os._exit(0)
os.wait()
text = "custom_imports = dict(imports=['lcv_mm'])\\nmodel = dict(type='ResidualAttention')"
registry.MODELS.build(Config.fromstring(text, '.py').model)
print('@bare', *(registry.MODELS.get(name).__name__ for name in sys.argv[1:]))
print('@sampler', registry.DATA_SAMPLERS.get('ClassBalancedBatchSampler').__name__)
print('@dataset', registry.DATASETS.get('CUB200').__name__)
"""


def test_a_part_is_found_by_its_dotted_name_with_no_import_and_by_its_bare_name_after_custom_imports():
    """In a fresh interpreter, where nothing is registered."""
    command = [sys.executable, '-W', 'ignore', '-c', CODE, *PARTS]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith('@')]
    assert lines == [[*PARTS], [*PARTS], ['ClassBalancedBatchSampler'], ['CUB200']]
