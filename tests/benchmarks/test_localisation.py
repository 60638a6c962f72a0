"""Maps against boxes: worked by hand."""

import runpy
from pathlib import Path

import pytest
import torch
from layouts import make_cub
from mmpretrain.models import ImageClassifier

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / 'benchmarks/localisation.py'))
box_in_crop, inside, read_cub_boxes, localisation, classifier_maps = (
    BENCHMARK[name] for name in ('box_in_crop', 'inside', 'read_cub_boxes', 'localisation', 'classifier_maps')
)


def test_boxes_are_read_by_the_paths_of_their_images(tmp_path):
    root = make_cub(tmp_path / 'CUB_200_2011')
    third = (root / 'images.txt').read_text().splitlines()[2].split()[1]
    assert read_cub_boxes(root)[third] == (2, 2, 32, 22)  # x, y, width, height: 2, 2, 30, 20


def test_a_box_follows_the_resize_and_the_crop():
    # 200 x 100 (height x width), short side to 50: scale 1/2, 100 x 50; the crop of 40 begins at row 30, column 5
    assert box_in_crop((20, 80, 60, 120), (200, 100), 50, 40) == (5, 10, 25, 30)


def test_a_pixel_counts_by_the_share_that_the_box_covers():
    mask = inside((0.5, 1.0, 2.0, 2.25), 3)
    assert mask.tolist() == [[0, 0, 0], [0.5, 1, 0], [0.125, 0.25, 0]]
    assert mask.sum() == pytest.approx(1.5 * 1.25)


def test_pointing_and_energy_by_hand():
    masks = torch.stack([inside((0, 0, 2, 2), 4)] * 3)
    maps = torch.zeros(3, 4, 4)
    maps[0, 1, 1], maps[0, 3, 3] = 3.0, 1.0  # the peak is inside, 3 of 4 of the sum
    maps[1, 0, 0], maps[1, 2, 2] = 1.0, 4.0  # outside, 1 of 5
    found = localisation(maps, masks)
    assert found['pointing'].tolist() == [1, 0, 0]
    assert found['energy'].tolist() == pytest.approx([0.75, 0.2, 0.25])  # zeros: as a flat map, 4 of 16 pixels


def test_maps_are_scaled_up_to_the_crop():
    found = localisation(torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]), inside((0, 0, 4, 4), 8)[None])
    # by hand: bilinear weights along a side are (1, 1, .875, .625, .375, .125, 0, 0), 3.5 of 4 of them inside
    assert found['energy'].item() == pytest.approx((3.5 / 4) ** 2)


def test_grad_cam_of_a_linear_model_is_its_weighted_map():
    """With global pooling the gradient of a score by a place is weight / places (CAM, Zhou et al., 2016)."""
    torch.manual_seed(0)
    model = ImageClassifier(
        backbone=dict(type='ResNet', depth=18, out_indices=(3,)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=4, in_channels=512),
    ).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        feats = model.backbone(images)
        best = model.head(model.neck(feats)).argmax(1)
    expected = torch.einsum('nc,nchw->nhw', model.head.fc.weight[best], feats[-1]).relu() / 4  # 2 x 2 places
    found = classifier_maps(model, images)
    torch.testing.assert_close(found['Grad-CAM'], expected)
    torch.testing.assert_close(found['F'], feats[-1].mean(1))
