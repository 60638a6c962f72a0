"""Retrievers with a database of short codes, or of the unquantised features."""

from typing import Any

import mmengine.dist as dist
import torch
from mmengine.runner import Runner
from mmpretrain.models import ImageClassifier, ImageToImageRetriever
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from mmpretrain.utils import track_on_main_process
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..errors import ConfigError, DataError
from .quantization import lookup_scores


@MODELS.register_module()
class QuantizedRetriever(ImageToImageRetriever):
    """Ranks a database of codes for each image by asymmetric distance (Jegou et al., 2011).

    The query is not quantised. Its inner products with all codewords form a table, in which the images of the database
    are looked up. Codes and labels of the database are buffers that checkpoints do not contain; `prepare_prototype`
    computes them again.

    As in MMPretrain's retrievers, a predicted `DataSample` has `pred_score` (N,), the score of each image of the
    database, and `pred_label` (N,), their order. Ties keep the order of the database. It also has `class_score`
    (num_classes,), the class probabilities of the query, and, for retrieval metrics, `gt_score` (N,), which is 1 for
    images of the query's class.

    Args:
        backbone (dict): Config of a backbone.
        neck (dict): Config of a neck that returns one feature (N, in_channels).
        head (dict): Config of a `QuantizationHead`.
        prototype (DataLoader | dict | None): The labelled database, as a loader or its config, without shuffling.
            None: `DatabaseHook` provides one.
        data_preprocessor (dict, optional): As in MMPretrain's classifiers.
        init_cfg (dict, optional): As in MMEngine's models.

    Raises:
        ConfigError: In `prepare_prototype`, if there is no database.
        DataError: In `prepare_prototype`, if an image of the database does not have exactly one label, or has the index
            of another image.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        head: dict,
        prototype: DataLoader | dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        # a classifier without a head, so the parts keep the names that optimizers and hooks expect
        encoder = dict(type=ImageClassifier, backbone=backbone, neck=neck)
        super().__init__(encoder, prototype or {}, head, data_preprocessor=data_preprocessor, init_cfg=init_cfg)

    @property
    def backbone(self) -> nn.Module:
        """The backbone, for `FreezeBackboneHook`."""
        return self.image_encoder.backbone

    def database_rows(self, parts: Tensor) -> Tensor:
        """Entries of the database for images with parts (N, M, d): codes (N, M), one byte each."""
        return self.head.tables(parts).argmax(-1).to(torch.uint8)

    def scores(self, parts: Tensor) -> Tensor:
        """Scores of queries with parts (Q, M, d) for each image of the database: (Q, N), in [-M, M]."""
        return lookup_scores(self.head.tables(parts), self.prototype_vecs)

    @torch.no_grad()
    def prepare_prototype(self) -> None:
        """Encode the database with the current weights."""
        if not isinstance(self.prototype, dict | DataLoader) or not self.prototype:
            raise ConfigError(f'{type(self).__name__}: no database to search; add DatabaseHook or set model.prototype')
        loader = Runner.build_dataloader(self.prototype)
        self.eval()
        kept: dict[int, Tensor] = {}
        labels = torch.full([len(loader.dataset)], -1)
        for batch in track_on_main_process(loader, 'Prepare database'):
            samples = batch['data_samples']
            data = self.data_preprocessor(batch, False)
            rows = self.database_rows(self.head.parts(self.extract_feat(data['inputs'])))
            for sample, row in zip(samples, rows, strict=True):
                labels[sample.sample_idx] = _label(sample)
                kept[sample.sample_idx] = row
        vecs = rows.new_zeros(len(labels), *rows.shape[1:])
        vecs[list(kept)] = torch.stack([*kept.values()])
        vecs = self._of_all_ranks(vecs, labels)
        if (lost := int((labels < 0).sum())) > 0:
            raise DataError(f'{lost} of {len(labels)} images of the database have the sample_idx of another image')
        self.register_buffer('prototype_vecs', vecs, persistent=False)
        self.register_buffer('prototype_labels', labels.to(rows.device), persistent=False)
        self.prototype_inited = True

    @staticmethod
    def _of_all_ranks(vecs: Tensor, labels: Tensor) -> Tensor:
        """Fill in, in place, the rows and labels encoded by other processes; two processes may share some."""
        for known, part in zip(dist.all_gather_object(labels), dist.all_gather_object(vecs.cpu()), strict=True):
            mine = known >= 0
            labels[mine], vecs[mine.to(vecs.device)] = known[mine], part[mine].to(vecs.device)
        return vecs

    def matching(self, inputs: Tensor) -> dict[str, Tensor]:
        """Rank the database for queries with parts (Q, M, d): scores and order of the images, (Q, N)."""
        scores = self.scores(inputs)
        ranked, order = torch.sort(scores, dim=-1, descending=True, stable=True)
        return dict(score=scores, pred_label=order, pred_score=ranked)

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: list[DataSample] | None = None, **kwargs: Any) -> list[DataSample]:
        """Rank the database for images (Q, 3, H, W), and classify them."""
        if not self.prototype_inited:
            self.prepare_prototype()
        parts = self.head.parts(self.extract_feat(inputs))
        samples = self._get_predictions(self.matching(parts), data_samples)
        for sample, class_score in zip(samples, self.head.classify(parts).softmax(-1), strict=True):
            sample.set_field(class_score, 'class_score')
            if 'gt_label' in sample:
                sample.set_gt_score((self.prototype_labels == _label(sample)).float())
        return samples


def _label(sample: DataSample) -> int:
    label = sample.get('gt_label')
    if label is None or label.numel() != 1:
        raise DataError(f'{sample.get("img_path", "an image")} must have one label, like all queries and the database')
    return int(label)


@MODELS.register_module()
class ContinuousRetriever(QuantizedRetriever):
    """`QuantizedRetriever` with the same weights and an unquantised database, to measure the loss by quantisation.

    The database takes 64 times as much memory: `part_channels` floats instead of a byte.
    """

    def database_rows(self, parts: Tensor) -> Tensor:
        """The parts themselves, (N, M, d)."""
        return parts

    def scores(self, parts: Tensor) -> Tensor:
        """Inner products of queries (Q, M, d) with each image of the database: (Q, N), in [-M, M]."""
        return parts.flatten(1) @ self.prototype_vecs.flatten(1).T
