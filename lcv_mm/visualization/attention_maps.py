"""Where the attention output of a model is strong on an image."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.dataset import BaseDataset, default_collate
from mmengine.visualization import Visualizer
from mmpretrain.models import ImageClassifier


def draw_attention_maps(
    model: ImageClassifier, dataset: BaseDataset, indices: Sequence[int], columns: int = 4
) -> Figure:
    """Draw test images beside the mean over channels of the neck's last output, for LCV the attention output M.

    Args:
        model (ImageClassifier): a trained classifier.
        dataset (BaseDataset): with the test pipeline; its inputs are BGR images of one size.
        indices (Sequence[int]): which images to draw.
        columns (int): pairs of pictures in a row.

    Returns:
        Figure: a grid of pairs, each titled with the true and, where it differs, the predicted class.
    """
    model.eval()
    batch = default_collate([dataset[i] for i in indices])
    with torch.no_grad():
        data = model.data_preprocessor(batch)
        maps = model.extract_feat(data['inputs'], stage='neck')[-1]
        samples = model.predict(**data)
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
        axes[0].set_title(_title(sample, dataset.metainfo['classes']), fontsize=8, loc='left')
    return figure


def _title(sample, classes: Sequence[str]) -> str:
    truth, predicted = int(sample.gt_label), int(sample.pred_label)
    return classes[truth] if truth == predicted else f'{classes[truth]}, taken for {classes[predicted]}'
