"""CBP in place of a linear classifier, with the same `in_channels` and `num_classes`."""

from lcv_mm.models import CBPHead

cbp_head = dict(type=CBPHead, out_dim=8192, projection='ts', cal_acc=True)

# For AdamW: ten times the backbone's rate, as for a linear head, hardly trains a classifier on unit-length features
cbp_paramwise = dict(custom_keys={'head': dict(lr_mult=100.0)})
