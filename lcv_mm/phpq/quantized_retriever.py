"""Retrievers with a database of short codes, or of the unquantised features, and the hook that encodes it."""

from copy import deepcopy
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel
from mmengine.runner import Runner
from mmpretrain.engine import VisualizationHook
from mmpretrain.models import ImageClassifier, ImageToImageRetriever
from mmpretrain.registry import HOOKS, MODELS
from mmpretrain.structures import DataSample
from mmpretrain.utils import track_on_main_process
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..engine.weights import unwrap_model
from ..errors import ConfigError


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
        prototype (DataLoader | dict | None): The labelled database, as a loader or its config. None: `DatabaseHook`
            provides one.
        data_preprocessor (dict, optional): As in MMPretrain's classifiers.
        init_cfg (dict, optional): As in MMEngine's models.

    Raises:
        ConfigError: In `prepare_prototype`, if there is no database.

    Examples:
        >>> model = QuantizedRetriever(
        ...     backbone=dict(type='ResNet', depth=18),
        ...     neck=dict(type='GlobalAveragePooling'),
        ...     head=dict(type='QuantizationHead', num_classes=5, in_channels=512, bits=16),
        ... )
        >>> model.database_rows(torch.rand(3, 2, 16)).shape
        torch.Size([3, 2])
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
        """Encode the database with the current weights. Each of several processes encodes all of it."""
        if not self.prototype:
            raise ConfigError(f'{type(self).__name__}: no database to search; add DatabaseHook or set model.prototype')
        given = Runner.build_dataloader(self.prototype)
        loader = DataLoader(given.dataset, given.batch_size, num_workers=given.num_workers, collate_fn=given.collate_fn)
        self.eval()
        rows: list[Tensor] = []
        labels: list[int] = []
        for batch in track_on_main_process(loader, 'Prepare database'):
            data = self.data_preprocessor(batch, False)
            rows.append(self.database_rows(self.head.parts(self.extract_feat(data['inputs']))))
            labels += [int(sample.gt_label) for sample in batch['data_samples']]
        self.register_buffer('prototype_vecs', torch.cat(rows), persistent=False)
        self.register_buffer('prototype_labels', torch.tensor(labels, device=rows[0].device), persistent=False)
        self.prototype_inited = True

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
                sample.set_gt_score((self.prototype_labels == sample.gt_label).float())
        return samples


@MODELS.register_module()
class ContinuousRetriever(QuantizedRetriever):
    """`QuantizedRetriever` with the same weights and an unquantised database, to measure the loss by quantisation.

    The database takes `4 * part_channels` times as much memory: floats instead of a byte per part.

    Examples:
        >>> model = ContinuousRetriever(
        ...     backbone=dict(type='ResNet', depth=18),
        ...     neck=dict(type='GlobalAveragePooling'),
        ...     head=dict(type='QuantizationHead', num_classes=5, in_channels=512, bits=16),
        ... )
        >>> model.database_rows(torch.rand(3, 2, 16)).shape
        torch.Size([3, 2, 16])
    """

    def database_rows(self, parts: Tensor) -> Tensor:
        """The parts themselves, (N, M, d)."""
        return parts

    def scores(self, parts: Tensor) -> Tensor:
        """Inner products of queries (Q, M, d) with each image of the database: (Q, N), in [-M, M]."""
        return parts.flatten(1) @ self.prototype_vecs.flatten(1).T


def lookup_scores(tables: Tensor, codes: Tensor) -> Tensor:
    """Asymmetric scores: inner products of queries with the codewords of a database, each a sum of M look-ups.

    Args:
        tables (Tensor): (Q, M, K), `codeword_scores` of the queries.
        codes (Tensor): (N, M), integers below K.

    Returns:
        Tensor: (Q, N).

    Examples:
        >>> lookup_scores(torch.tensor([[[1.0, 2.0], [10.0, 20.0]]]), torch.tensor([[0, 1], [1, 1]]))
        tensor([[21., 22.]])
    """
    scores = tables.new_zeros(len(tables), len(codes))
    for book, column in enumerate(codes.long().unbind(1)):
        scores += tables[:, book].index_select(1, column)
    return scores


@HOOKS.register_module()
class DatabaseHook(Hook):
    """Encodes a retriever's database before each validation and each test.

    A retriever without a `prototype` gets the config's training images, with the pipeline, batches and workers of the
    evaluation. Options that change the training data, such as another fold, also change the database. MMPretrain's
    `PrepareProtoBeforeValLoopHook` acts before `EMAHook` swaps the weights, and does not act before a test.

    Raises:
        ConfigError: With test-time augmentation or pictures of predictions: a ranking is not a class.

    Examples:
        >>> hook = HOOKS.build(dict(type='DatabaseHook'))
    """

    priority = 'LOW'  # after EMAHook

    def before_val_epoch(self, runner: Runner) -> None:
        self._prepare(runner, 'val_dataloader')

    def before_test_epoch(self, runner: Runner) -> None:
        self._prepare(runner, 'test_dataloader')

    def _prepare(self, runner: Runner, evaluated: str) -> None:
        shows = any(isinstance(hook, VisualizationHook) and hook.enable for hook in runner.hooks)
        if shows or any(isinstance(module, BaseTTAModel) for module in runner.model.modules()):
            raise ConfigError('a retriever predicts an order of images: leave out --tta, --show and --show-dir')
        model = unwrap_model(runner)
        if not model.prototype:
            loader = deepcopy(runner.cfg[evaluated])
            pipeline = loader.dataset.pipeline
            loader.dataset = deepcopy(runner.cfg.train_dataloader.dataset)
            loader.dataset.pipeline = pipeline
            loader.persistent_workers = False  # the loader is rebuilt for each evaluation
            model.prototype = loader
        model.prepare_prototype()
