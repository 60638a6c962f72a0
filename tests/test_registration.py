"""The ways to name a part: bare with custom_imports, and dotted with no import."""

import subprocess
import sys

PARTS = 'VGGLayers', 'ResNetLayers', 'ResidualAttention', 'BCNNHead', 'CBPHead', 'HBPHead', 'LCVClassifier'
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
