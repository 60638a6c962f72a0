"""The retriever on a database of drawn birds, with its hook and metrics, through the Runner and by itself."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from mmpretrain.engine import VisualizationHook
from mmpretrain.models import AverageClsScoreTTA
from mmpretrain.registry import MODELS
from tiny_run import BIRDLETS, tiny_settings

from lcv_mm.datasets.birdlets import BirdletsSettings, generate_birdlets
from lcv_mm.errors import ConfigError
from lcv_mm.phpq import DatabaseHook, QuantizedRetriever
from lcv_mm.phpq.quantization_head import codeword_scores
from lcv_mm.phpq.quantized_retriever import lookup_scores

CONFIG = Path(__file__).parents[2] / 'configs/birdlets/phpq_resnet18_birdlets64.py'
SMALL = {
    'model.backbone.stem_channels': 8,
    'model.backbone.base_channels': 8,
    'model.neck.in_channels': (16, 32, 64),
    'model.neck.out_channels': 16,
    'model.head.in_channels': 48,
    'model.head.bits': 16,
}


@pytest.fixture(scope='module')
def data_root(tmp_path_factory) -> Path:
    return generate_birdlets(tmp_path_factory.mktemp('data') / 'birdlets', BirdletsSettings(**BIRDLETS))


def build(cfg: Config) -> QuantizedRetriever:
    init_default_scope('mmpretrain')
    return MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))


@pytest.fixture
def cfg(data_root, tmp_path) -> Config:
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(tiny_settings(data_root) | SMALL)
    cfg.work_dir = str(tmp_path)
    cfg.experiment_name = tmp_path.name
    return cfg


def test_the_database_is_the_training_images_and_the_ranking_that_of_their_reconstructions(cfg):
    runner = Runner.from_cfg(cfg)
    seen = []
    runner.model.register_forward_hook(lambda model, args, out: seen.extend(out if model.prototype_inited else []))
    metrics = runner.test()
    model = runner.model
    assert model.prototype_vecs.dtype == torch.uint8
    assert model.prototype_vecs.shape == (24, 2)
    assert model.prototype_labels.tolist() == [label for label in range(6) for _ in range(4)]

    # the same by images one at a time, no loader, no look-up
    def parts(dataset, index: int) -> torch.Tensor:
        data = dataset[index]
        batch = model.data_preprocessor(dict(inputs=[data['inputs']], data_samples=[data['data_samples']]))
        return model.head.parts(model.extract_feat(batch['inputs']))[0]

    loader = Runner.build_dataloader(model.prototype)
    with torch.no_grad():
        books = model.head.codewords()
        database = []
        for index in range(24):
            nearest = [
                book[(book @ part).argmax()] for book, part in zip(books, parts(loader.dataset, index), strict=True)
            ]
            database.append(torch.cat(nearest))
        queries = torch.stack([parts(runner.test_dataloader.dataset, i).flatten() for i in range(12)])
    expected = queries @ torch.stack(database).T
    torch.testing.assert_close(torch.stack([sample.pred_score for sample in seen]), expected, rtol=1e-4, atol=1e-4)
    labels = model.prototype_labels
    precisions = []
    for sample in seen:
        hits = labels[sample.pred_score.argsort(descending=True, stable=True)] == sample.gt_label
        ranks = hits.nonzero().flatten().tolist()
        precisions.append(sum((i + 1) / (rank + 1) for i, rank in enumerate(ranks)) / 4)
    assert metrics['retrieval/mAP'] == pytest.approx(100 * sum(precisions) / 12)
    assert all(float(sample.class_score.sum()) == pytest.approx(1) for sample in seen)
    right = [int(sample.class_score.argmax()) == int(sample.gt_label) for sample in seen]
    assert metrics['accuracy/top1'] == pytest.approx(100 * sum(right) / 12)


def test_look_ups_sum_to_the_inner_product_with_the_codewords():
    queries, codebooks = torch.randn(4, 2, 4), torch.randn(2, 256, 4)
    codes = torch.tensor([[255, 0], [128, 255], [3, 4], [0, 0], [254, 1]], dtype=torch.uint8)
    scores = lookup_scores(codeword_scores(queries, codebooks), codes)
    for q in range(4):
        for n, (first, second) in enumerate(codes.tolist()):
            item = torch.cat([codebooks[0, first], codebooks[1, second]])
            assert float(scores[q, n]) == pytest.approx(float(queries[q].flatten() @ item), abs=1e-5)


def test_equal_codes_keep_the_order_of_the_database(cfg):
    model = build(cfg)
    model.prototype_vecs, model.prototype_labels = torch.zeros(300, 2, dtype=torch.uint8), torch.zeros(300)
    assert model.matching(torch.rand(2, 2, 16))['pred_label'].tolist() == [list(range(300))] * 2


def test_the_database_is_the_moved_training_set_encoded_by_the_weights_that_are_validated(cfg):
    cfg.train_dataloader.dataset.indices = [0, 5, 20]
    cfg.train_dataloader.batch_size = 1  # after the first step the average is the model itself
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='EMAHook', momentum=0.5)]
    runner = Runner.from_cfg(cfg)
    weights = []  # of the embedding, when an image of the database, or a query, is embedded in evaluation
    runner.model.head.embed.register_forward_pre_hook(
        lambda embed, _: None if embed.training else weights.append(embed.weight.detach().clone())
    )
    start = runner.model.head.embed.weight.detach().clone()
    runner.train()
    assert len(weights) == 2  # batches of up to 50: the database, then the queries
    assert torch.equal(*weights)
    assert not torch.equal(weights[0], start)
    assert runner.model.prototype_labels.tolist() == [0, 1, 5]
    assert 'prototype_vecs' not in runner.model.state_dict()


def test_without_codes_the_same_weights_rank_by_cosines(cfg):
    cfg.model.type = 'ContinuousRetriever'
    model = build(cfg)
    database, queries = (torch.nn.functional.normalize(torch.randn(n, 2, 16), dim=-1) for n in (9, 4))
    model.prototype_vecs = model.database_rows(database)
    cosines = torch.nn.functional.cosine_similarity(queries.flatten(1)[:, None], database.flatten(1)[None], dim=-1)
    torch.testing.assert_close(model.scores(queries), 2 * cosines)  # a sum over two parts of unit length


def test_a_ranking_is_neither_averaged_over_augmentations_nor_drawn(cfg):
    model = build(cfg)
    Visualizer.get_instance(cfg.experiment_name)  # the hook takes the current one
    shown = [VisualizationHook(enable=True)]
    for hooks, evaluated in (([], AverageClsScoreTTA(model)), (shown, model)):
        with pytest.raises(ConfigError, match='predicts an order of images: leave out --tta'):
            DatabaseHook().before_test_epoch(SimpleNamespace(hooks=hooks, model=evaluated))


def test_a_retriever_without_a_database_says_what_provides_one(cfg):
    with pytest.raises(ConfigError, match='QuantizedRetriever: no database to search; add DatabaseHook'):
        build(cfg).prepare_prototype()
