"""A PHPQ-like model on ResNet-18: three levels pooled by mean and maximum, 8 codebooks of 256 codewords.

Codes have 64 bits per image. For 16, 32 or 48: `--cfg-options model.head.bits=32`.
"""

from lcv_mm.models import ResNetLayers
from lcv_mm.phpq import PyramidHybridPooling, QuantizationHead, QuantizedRetriever

model = dict(
    type=QuantizedRetriever,
    backbone=dict(
        type=ResNetLayers,
        depth=18,
        out_layers=('layer2.1', 'layer3.1', 'layer4.1'),  # PHPQ's levels: not known. Here: the last of three stages
        # Paper: "pre-trained on the ImageNet", source not stated. Here: torchvision's weights
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'),
    ),
    neck=dict(type=PyramidHybridPooling, in_channels=(128, 256, 512), out_channels=256),  # Form and width: not known
    head=dict(
        type=QuantizationHead,
        in_channels=768,
        bits=64,  # Paper: not stated. Here: the largest number that hashing papers report
        part_channels=16,  # Not known. Here: MeCoQ's (Wang et al., 2022)
        alpha=10.0,  # Not known. Here: MeCoQ's
        attention_topk=32,  # "The most relevant codewords": how many is not known. Here: an eighth of them
        scale=16.0,  # Not known. Here: ours, large enough to separate the cosines of 200 classes
        weight_quantization=0.1,  # Not known. Here: ours
        cal_acc=True,
    ),
)
