"""Whose attention is drawn, and that images go in as in training."""

import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from lcv_mm.errors import DataError
from lcv_mm.launch.trained import load_trained
from lcv_mm.ops import residual_attention
from lcv_mm.visualization.attention_maps import attention_title, draw_attention_maps, predict_with_attention

ATTENTION, POOLING = dict(type='ResidualAttention'), dict(type='GlobalAveragePooling')
PREPROCESSOR = dict(type='ClsDataPreprocessor', mean=[120.0, 110.0, 100.0], std=[60.0, 60.0, 60.0], to_rgb=True)


def model_config(neck) -> dict:
    return dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=18, out_indices=(3,)),
        neck=neck,
        head=dict(type='LinearClsHead', num_classes=2, in_channels=512),
    )


def build(neck) -> ImageClassifier:
    torch.manual_seed(0)
    return MODELS.build(model_config(neck) | dict(data_preprocessor=PREPROCESSOR)).eval()


def test_the_attention_output_is_taken_where_pooling_follows_it():
    model = build([ATTENTION, POOLING])
    images = dict(inputs=torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8))
    samples, maps = predict_with_attention(model, images)
    with torch.no_grad():
        feats = model.backbone(model.data_preprocessor(images)['inputs'])[-1]
    torch.testing.assert_close(maps, residual_attention(feats))
    assert len(samples) == 2


def test_the_mean_over_the_channels_is_laid_over_the_picture_in_its_own_colours():
    red = torch.tensor([0, 0, 255], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 2, 2)  # BGR
    maps = torch.zeros(1, 3, 2, 2)
    maps[0, 1, 0, 0] = maps[0, 2, 1, 1] = 1  # the mean is high on the diagonal, the first channel nowhere
    picture, overlay = (axes.images[0].get_array() for axes in draw_attention_maps(red, maps, ['']).axes[:2])
    assert (picture == [255, 0, 0]).all()
    assert (overlay[..., 2] == 0).tolist() == [[True, False], [False, True]]  # blue marks what is low


def test_a_title_says_which_name_is_the_truth_and_which_the_prediction():
    sample = DataSample().set_pred_label(1).set_pred_score(torch.tensor([0.2, 0.8]))
    assert attention_title(sample, ['heron', 'owl']) == 'predicted: owl'
    assert attention_title(sample.set_gt_label(0), ['heron', 'owl']) == 'true: heron\npredicted: owl'
    assert attention_title(sample.set_gt_label(1), ['heron', 'owl']) == 'true and predicted: owl'
    with pytest.raises(DataError, match='NaN or infinite'):
        attention_title(sample.set_pred_score(torch.tensor([0.2, torch.nan])), ['heron', 'owl'])


def test_the_models_own_preprocessor_is_kept_where_the_config_has_none(tmp_path):
    torch.save(build([POOLING]).state_dict(), tmp_path / 'model.pth')
    given, other = (dict(data_preprocessor=PREPROCESSOR | changes) for changes in ({}, dict(mean=[1.0] * 3)))
    for own, top in ((given, {}), ({}, given), (given, other)):
        loader = dict(dataset=dict(type='RepeatDataset'))
        cfg = Config(dict(model=model_config([POOLING]) | own, test_dataloader=loader, **top))
        model = load_trained(cfg, str(tmp_path / 'model.pth'))
        assert model.data_preprocessor.mean.flatten().tolist() == PREPROCESSOR['mean']
