"""LCV as an overlay: the only place where its parts are configured. Two lines add it to a baseline without a neck:

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
        margin=1.0,  # Paper: no margin. Here: below sqrt(2), the largest distance of unit-length features after a ReLU
        normalize=True,  # Paper: not stated. Here: unit length, so that a margin has the same meaning on every backbone
        space='map',  # Paper: the attention output M
        reduction='mean',  # Paper: "added". Here: the mean over the pairs of each kind
        gather=False,  # Paper: not stated, one card. Here: pairs within each process; True: across all processes
        # Paper: the three losses are summed. The intra-class term needs a classifier that has learned (step 1 of the
        # schedule): earlier, it can collapse pretrained features (docs/heads.md)
        weight_inter=1.0,
        weight_intra=1.0,
    ),
)

# Paper: plain shuffled batches. A batch of 16 from 200 classes then has 0.58 same-class pairs on average, so the
# intra-class loss has hardly any effect. Here: pairs. For plain shuffling: `train_dataloader.batch_sampler = None`.
lcv_batch_sampler = dict(type=ClassBalancedBatchSampler, samples_per_class=2)
