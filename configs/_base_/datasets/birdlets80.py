"""Birdlets at 80, for many runs on a CPU: the images of `birdlets112`, at 5/7 of its size."""

from mmengine.config import read_base

with read_base():
    from .birdlets112 import *

for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset']['pipeline'][1].update(scale=92)
    loader['dataset']['pipeline'][2].update(crop_size=80)
del loader
