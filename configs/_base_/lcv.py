"""LCV as an overlay: the one place where its parts are configured. Two lines put it on any baseline:

model.update(lcv_model)
train_dataloader.update(batch_sampler=lcv_batch_sampler)
"""

from lcv_mm.datasets import ClassBalancedBatchSampler
from lcv_mm.models import ClassVarianceLoss, LCVClassifier, ResidualAttention

lcv_model = dict(
    type=LCVClassifier,
    neck=dict(type=ResidualAttention),
    variance_loss=dict(
        type=ClassVarianceLoss,
        inter='hinge',  # Paper: "maximize inter-class distance", no formula. Here: relu(margin - d)
        margin=1.0,  # Paper: no margin. Here: half of the largest distance of unit-length features
        normalize=True,  # Paper: not stated. Here: unit length, so that a margin means the same on every backbone
        space='map',  # Paper: the attention output M
        reduction='mean',  # Paper: "added". Here: the mean over the pairs of each kind
        gather=False,  # Paper: not stated, one card. Here: pairs within each process; True: across all processes
        weight_inter=1.0,  # Paper: the three losses are summed
        # Paper: summed, so 1. Here: 0.01. With 1 a pretrained VGG-16 collapses in the first iterations; 0.1 is below
        # 0.01 on real images (docs/results.md). The paper's: `model.update(variance_loss=dict(weight_intra=1.0))`
        weight_intra=0.01,
    ),
)

# Paper: plain shuffled batches, in which a batch of 16 from 200 classes holds 0.58 same-class pairs on average, so
# that the intra-class loss hardly acts. Here: pairs. The plain shuffle: `train_dataloader.batch_sampler = None`.
lcv_batch_sampler = dict(type=ClassBalancedBatchSampler, samples_per_class=2)
