"""Why the numbers that the paper quotes of other systems do not compare with those beside them."""

_PHPQ = (
    'Quoted by the paper and not comparable: almost surely retrieval mAP (in per cent) of a hashing paper (Pattern '
    'Recognition Letters 178:106-114), not top-1 accuracy. The tables of that paper could not be read.'
)
_GCA = (
    'Quoted by the paper and not comparable: no top-1 accuracy, but the clustering accuracy on the known ("Old") '
    'classes of CUB in generalised category discovery (All 68.8, Old 73.4, New 66.6), with a DINO ViT-B/16.'
)

QUOTED = {'phpq_resnet18_cub448': _PHPQ, 'phpq_resnet18_dogs224': _PHPQ, 'gca_vitb16_cub448': _GCA}
