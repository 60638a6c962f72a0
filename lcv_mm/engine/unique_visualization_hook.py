"""Prediction pictures that do not overwrite each other."""

import logging
import os
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log
from mmengine.runner import Runner
from mmpretrain.engine import VisualizationHook
from mmpretrain.registry import HOOKS
from mmpretrain.structures import DataSample


@HOOKS.register_module()
class UniqueVisualizationHook(VisualizationHook):
    """MMPretrain's `VisualizationHook` with the image's folders in the name of a picture, and the same arguments.

    MMPretrain's own hook uses only the file name, so `cat/1.jpg` and `dog/1.jpg` overwrite each other.

    Examples:
        >>> default_hooks = dict(visualization=dict(type='UniqueVisualizationHook', enable=True))
        >>> HOOKS.get(default_hooks['visualization']['type']) is UniqueVisualizationHook
        True
    """

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[DataSample]) -> None:
        super().after_val_iter(runner, batch_idx, data_batch, self._renamed(outputs, runner.val_dataloader.dataset))

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[DataSample]) -> None:
        super().after_test_iter(runner, batch_idx, data_batch, self._renamed(outputs, runner.test_dataloader.dataset))

    def _draw_samples(self, *args: Any, **kwargs: Any) -> None:
        try:
            super()._draw_samples(*args, **kwargs)
        except OSError as error:  # a full disk or an over-long name must not lose the results
            print_log(f'Pictures of a batch are skipped: {error}', 'current', logging.WARNING)

    def _renamed(self, samples: Sequence[DataSample], dataset: Any) -> Sequence[DataSample]:
        """Copies whose `img_path` is a file name made from the path within the dataset's image folder."""
        if not self.enable:
            return samples
        while hasattr(dataset, 'dataset'):  # a wrapper
            dataset = dataset.dataset
        root = getattr(dataset, 'img_prefix', None) or ''
        copies = [sample.clone() for sample in samples]
        for copy in copies:
            if 'img_path' in copy:
                copy.set_metainfo(dict(img_path=copy.img_path.removeprefix(root).strip(os.sep).replace(os.sep, '__')))
        return copies
