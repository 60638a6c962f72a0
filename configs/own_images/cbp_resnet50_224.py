"""CBP, ResNet-50, crops of 224, for a folder of images:  lcv_mm train cbp_resnet50_224 --data DIR"""

from mmengine.config import read_base

with read_base():
    from lcv_mm.configs._base_.datasets.folder224 import *
    from lcv_mm.configs._base_.default_runtime import *
    from lcv_mm.configs._base_.models.cbp_resnet50 import *
    from lcv_mm.configs._base_.schedules.paper_sgd_60e import *

model.update(head=dict(num_classes=10))  # `--data` counts them
