"""The three ways to name a part: bare with custom_imports, dotted with no import, and as a class."""

import subprocess
import sys

import pytest

PARTS = {
    'MODELS': [
        'ResidualAttention',
        'CBPHead',
        'ClassVarianceLoss',
        'LCVClassifier',
        'VGGLayers',
        'BCNNHead',
        'HBPHead',
        'ResNetLayers',
    ],
    'DATASETS': ['Birdlets', 'CUB200', 'OxfordFlower17', 'StanfordDogs'],
    'DATA_SAMPLERS': ['ClassBalancedBatchSampler'],
    'METRICS': ['ClassVarianceMetric'],
}


def run_python(code: str) -> str:
    """Output of a fresh interpreter: what is registered here does not count."""
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], check=True, capture_output=True, text=True
    ).stdout


def test_bare_names_after_custom_imports(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text("custom_imports = dict(imports=['lcv_mm'])\nmodel = dict(type='ResidualAttention')\n")
    code = f"""
from mmengine.config import Config
import mmpretrain.registry as registry
cfg = Config.fromfile({str(config)!r})
print([registry.__dict__[room].get(name).__name__ for room, names in {PARTS}.items() for name in names])
print(type(registry.MODELS.build(cfg.model)).__module__)
"""
    names, module = run_python(code).splitlines()[-2:]
    assert names == str([name for names in PARTS.values() for name in names])
    assert module == 'lcv_mm.models.residual_attention'


@pytest.mark.parametrize('room', PARTS)
def test_dotted_names_with_no_import(room):
    code = f"""
import mmpretrain.registry as registry
print([registry.{room}.get('lcv_mm.' + name).__name__ for name in {PARTS[room]}])
"""
    assert run_python(code).splitlines()[-1] == str(PARTS[room])


def test_a_text_config_with_dotted_names_builds(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(
        "model = dict(type='lcv_mm.LCVClassifier', backbone=dict(type='mmpretrain.ResNet', depth=18),"
        " neck=dict(type='lcv_mm.ResidualAttention'),"
        " head=dict(type='lcv_mm.CBPHead', num_classes=3, in_channels=512, out_dim=16),"
        " variance_loss=dict(type='lcv_mm.ClassVarianceLoss'))\n"
    )
    code = f"""
from mmengine.config import Config
from mmpretrain.registry import MODELS
print(type(MODELS.build(Config.fromfile({str(config)!r}).model).variance_loss).__name__)
"""
    assert run_python(code).splitlines()[-1] == 'ClassVarianceLoss'
