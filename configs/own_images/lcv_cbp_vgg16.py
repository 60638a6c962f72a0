"""LCV on CBP, VGG-16, crops of 448, for images of your own: change the two lines below (docs/data.md)."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.folder448 import *
    from .._base_.default_runtime import *
    from .._base_.lcv import *
    from .._base_.models.cbp_vgg16 import *
    from .._base_.schedules.paper_sgd_60e import *

data_root = 'data/my_images'  # holds train/<class>/ and val/<class>/
num_classes = 10  # folders in train/, the same as in val/

model.update(lcv_model)
model.update(head=dict(num_classes=num_classes))
data_preprocessor.update(num_classes=num_classes)
train_dataloader.update(dataset=dict(data_root=data_root), batch_sampler=lcv_batch_sampler)
val_dataloader.update(dataset=dict(data_root=data_root))
test_dataloader, test_evaluator = val_dataloader, val_evaluator
