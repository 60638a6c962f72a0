"""Where the attention output of a model is strong on an image."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.dataset import BaseDataset, default_collate
from mmengine.visualization import Visualizer
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from ..errors import ConfigError
from ..models import ResidualAttention


def predict_with_attention(model: ImageClassifier, batch: dict) -> tuple[list[DataSample], Tensor]:
    """Predict a batch, and keep the attention output M on the way.

    Args:
        model (ImageClassifier): A classifier with a `ResidualAttention`, alone or anywhere in its neck.
        batch (dict): Collated samples, before the model's data preprocessor.

    Returns:
        tuple[list[DataSample], Tensor]: The predictions, and the last level of M, (N, C, H, W).
    """
    attention = [module for module in model.modules() if isinstance(module, ResidualAttention)]
    if not attention:
        raise ConfigError(
            f'model.neck: expected a ResidualAttention in it, whose output is drawn; got '
            f'{type(getattr(model, "neck", None)).__name__}. Give the config and checkpoint of a model with one, such '
            'as those of configs/lcv_*.py'
        )
    outputs: list[tuple[Tensor, ...]] = []
    handle = attention[-1].register_forward_hook(lambda module, inputs, output: outputs.append(output))
    try:
        with torch.no_grad():
            samples = model.predict(**model.data_preprocessor(batch))
    finally:
        handle.remove()
    return samples, outputs[-1][-1]


def draw_attention_maps(
    model: ImageClassifier, dataset: BaseDataset, indices: Sequence[int], columns: int = 4
) -> Figure:
    """Draw test images beside the mean over channels of the attention output M.

    Args:
        model (ImageClassifier): A trained classifier with a `ResidualAttention`.
        dataset (BaseDataset): With the test pipeline; its inputs are BGR images of one size.
        indices (Sequence[int]): Which images to draw.
        columns (int): Pairs of pictures in a row.

    Returns:
        Figure: A grid of pairs, each titled with the true and, where it differs, the predicted class.
    """
    model.eval()
    batch = default_collate([dataset[i] for i in indices])
    samples, maps = predict_with_attention(model, batch)
    rows = -(-len(indices) // columns)
    figure = Figure(figsize=(4 * columns, 2.3 * rows), layout='constrained')
    grid = figure.subplots(rows, 2 * columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, feature_map, sample in zip(grid.reshape(-1, 2), batch['inputs'], maps, samples, strict=False):
        rgb = np.ascontiguousarray(image.numpy()[::-1].transpose(1, 2, 0))  # (3, H, W) BGR -> (H, W, 3) RGB
        overlay = Visualizer.draw_featmap(feature_map.cpu(), rgb, channel_reduction='squeeze_mean', alpha=0.5)
        for ax, picture in zip(axes, (rgb, overlay), strict=True):
            ax.imshow(picture)
        truth, predicted = (dataset.metainfo['classes'][int(label)] for label in (sample.gt_label, sample.pred_label))
        title = truth if truth == predicted else f'{truth}, taken for {predicted}'
        axes[0].set_title(title, fontsize=8, loc='left')
    return figure
