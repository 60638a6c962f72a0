"""Draw the attention output of a model over images."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.visualization import Visualizer
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError, DataError
from ..models import ResidualAttention

COLUMNS = 4  # images in a row


def predict_with_attention(model: ImageClassifier, batch: dict) -> tuple[list[DataSample], Tensor]:
    """Predict collated samples with a model that has a `ResidualAttention`, alone or anywhere in its neck.

    Returns:
        tuple[list[DataSample], Tensor]: The predictions, and the last level of the attention output M, (N, C, H, W).

    Raises:
        ConfigError: If the model has no attention.
    """
    attention = [module for module in model.modules() if isinstance(module, ResidualAttention)]
    if not attention:
        raise ConfigError('model.neck: expected a ResidualAttention in it, as in configs/lcv_*.py: its output is drawn')
    outputs: list[tuple[Tensor, ...]] = []
    handle = attention[-1].register_forward_hook(lambda module, inputs, output: outputs.append(output))
    try:
        with torch.no_grad():
            samples = model.predict(**model.data_preprocessor(batch))
    finally:
        handle.remove()
    return samples, outputs[-1][-1]


def attention_title(sample: DataSample, names: Sequence[str]) -> str:
    """The predicted class of an image and, if known, the true one; DataError if its scores are not finite."""
    if not sample.pred_score.isfinite().all():
        raise DataError('an image has scores that are NaN or infinite; use an earlier checkpoint')
    label = names[int(sample.pred_label)]
    if 'gt_label' not in sample:
        return f'predicted: {label}'
    truth = names[int(sample.gt_label)]
    return f'true and predicted: {label}' if truth == label else f'true: {truth}\npredicted: {label}'


def draw_attention_maps(images: Tensor, maps: Tensor, titles: Sequence[str]) -> Figure:
    """Draw images next to the mean over channels of the attention output M.

    Args:
        images (Tensor): (N, 3, H, W), BGR, or (N, 1, H, W), in [0, 255], as they go into the model's preprocessor.
        maps (Tensor): (N, C, h, w), M as of `predict_with_attention`.
        titles (Sequence[str]): (N,), such as the class of each image.
    """
    rows = -(-len(images) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 2.3 * rows), layout='constrained')
    grid = figure.subplots(rows, 2 * COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, feature_map, title in zip(grid.reshape(-1, 2), images, maps, titles, strict=False):
        rgb = np.ascontiguousarray(image.expand(3, -1, -1).numpy()[::-1].transpose(1, 2, 0))  # BGR -> (H, W, 3) RGB
        mean = F.interpolate(feature_map.mean(0)[None, None], rgb.shape[:2], mode='bilinear')[0]  # (1, H, W)
        overlay = Visualizer.draw_featmap(mean.cpu(), rgb, alpha=0.5)
        for ax, picture in zip(axes, (rgb, overlay), strict=True):
            ax.imshow(picture)
        axes[0].set_title(title, fontsize=8, loc='left', parse_math=False)
    return figure
