"""Birdlets at 64, for many runs on a CPU: the images of `birdlets112` at 4/7 of their size."""

from mmengine.config import read_base

with read_base():
    from .birdlets112 import *

for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset']['pipeline'][1].update(scale=74)
    loader['dataset']['pipeline'][2].update(crop_size=64)
del loader
