"""GCA (guided cluster aggregation, Otholt et al., WACV 2024), which the paper quotes in Table 1: see docs/quoted.md.

Nothing else depends on this package.
"""

# ruff: noqa: F401 (the names that the package offers)
from .category_discovery import CategoryDiscovery
from .category_discovery_head import CategoryDiscoveryHead
from .cluster_accuracy import ClusterAccuracy
from .dino_vision_transformer import DINOVisionTransformer
from .gca_head import GCAHead
from .hooks import AggregationHook
from .neighbor_batch_sampler import LabelBalancedSampler, NeighborBatchSampler
