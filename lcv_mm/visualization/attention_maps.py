"""Draw the attention output of a model over images."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.visualization import Visualizer
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ..errors import ConfigError, DataError
from ..models import ResidualAttention


def attention_of(model: nn.Module) -> ResidualAttention:
    """The last attention in a model; ConfigError if it has none."""
    attention = [module for module in model.modules() if isinstance(module, ResidualAttention)]
    if not attention:
        raise ConfigError(
            f'model.neck: expected a ResidualAttention in it, whose output is drawn; got '
            f'{type(getattr(model, "neck", None)).__name__}. Give the config and checkpoint of a model with one, such '
            'as those of configs/lcv_*.py'
        )
    return attention[-1]


def predict_with_attention(model: ImageClassifier, batch: dict) -> tuple[list[DataSample], Tensor]:
    """Predict a batch, and keep the attention output M on the way.

    Args:
        model (ImageClassifier): A classifier with a `ResidualAttention`, alone or anywhere in its neck.
        batch (dict): Collated samples, before the model's data preprocessor.

    Returns:
        tuple[list[DataSample], Tensor]: The predictions, and the last level of M, (N, C, H, W).
    """
    outputs: list[tuple[Tensor, ...]] = []
    handle = attention_of(model).register_forward_hook(lambda module, inputs, output: outputs.append(output))
    try:
        with torch.no_grad():
            samples = model.predict(**model.data_preprocessor(batch))
    finally:
        handle.remove()
    return samples, outputs[-1][-1]


def attention_title(sample: DataSample, names: Sequence[str]) -> str:
    """The predicted class of an image and, where it is known, the true one; DataError if its scores are not finite."""
    if not sample.pred_score.isfinite().all():
        raise DataError('the model gives an image scores that are NaN or infinite; take an earlier checkpoint')
    label = names[int(sample.pred_label)]
    truth = names[int(sample.gt_label)] if 'gt_label' in sample else None
    if truth == label:
        return f'true and predicted: {label}'
    return f'predicted: {label}' if truth is None else f'true: {truth}\npredicted: {label}'


def draw_attention_maps(images: Tensor, maps: Tensor, titles: Sequence[str], columns: int = 4) -> Figure:
    """Draw images beside the mean over channels of the attention output M.

    Args:
        images (Tensor): (N, 3, H, W), BGR, or (N, 1, H, W), in [0, 255], as they go into the model's preprocessor.
        maps (Tensor): (N, C, h, w), M as of `predict_with_attention`.
        titles (Sequence[str]): N, such as the class of each image.
        columns (int): Pairs of pictures in a row.

    Returns:
        Figure: A grid of pairs.
    """
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(4 * columns, 2.3 * rows), layout='constrained')
    grid = figure.subplots(rows, 2 * columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, feature_map, title in zip(grid.reshape(-1, 2), images, maps, titles, strict=False):
        rgb = np.ascontiguousarray(image.expand(3, -1, -1).numpy()[::-1].transpose(1, 2, 0))  # BGR -> (H, W, 3) RGB
        overlay = Visualizer.draw_featmap(feature_map.cpu(), rgb, channel_reduction='squeeze_mean', alpha=0.5)
        for ax, picture in zip(axes, (rgb, overlay), strict=True):
            ax.imshow(picture)
        axes[0].set_title(title, fontsize=8, loc='left', parse_math=False)
    return figure
