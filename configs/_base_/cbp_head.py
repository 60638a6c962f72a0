"""CBP in place of a linear classifier; its `in_channels` and `num_classes` are those of the head it replaces."""

from lcv_mm.models import CBPHead

cbp_head = dict(type=CBPHead, out_dim=8192, projection='ts', cal_acc=True)

# For AdamW: on unit-length features the tenfold rate of a linear head hardly trains the classifier (docs/results.md)
cbp_paramwise = dict(custom_keys={'head': dict(lr_mult=100.0)})
