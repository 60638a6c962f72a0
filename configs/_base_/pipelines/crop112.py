"""Random crops of 112 for training, centre crops for testing: half the size of `crop224`, for CPUs."""

from mmengine.config import read_base

with read_base():
    from .crop224 import *

for pipeline in (train_pipeline, test_pipeline):
    pipeline[1].update(scale=128)
    pipeline[2].update(crop_size=112)
del pipeline
