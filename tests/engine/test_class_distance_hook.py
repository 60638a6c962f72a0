"""The distances that are logged for a model without the class-variance loss."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.logging import MessageHub
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from lcv_mm import LCVClassifier
from lcv_mm.engine import ClassDistanceHook

RESNET = dict(type='ResNet', depth=18, out_indices=(2, 3))
HEAD = dict(type='LinearClsHead', in_channels=512, num_classes=3, topk=(1,))
LABELS = [0, 0, 1, 2]


def samples(labels: list[int]) -> list[DataSample]:
    return [DataSample().set_gt_label(label) for label in labels]


def logged_by_hook(model: Any, images: Tensor, data_samples: list[DataSample], name: str) -> dict[str, float]:
    """One training batch with the hook; what it logged."""
    hub = MessageHub.get_instance(name)
    runner = SimpleNamespace(model=model, message_hub=hub)
    hook = ClassDistanceHook()
    hook.before_train(runner)
    batch = dict(inputs=images, data_samples=data_samples)
    model.loss(**model.data_preprocessor(batch, True))
    hook.after_train_iter(runner, 0, batch, {})
    hook.after_train(runner)
    return {key.removeprefix('train/'): float(value.current()) for key, value in hub.log_scalars.items()}


def classifier(head: dict = HEAD, **settings: Any) -> ImageClassifier:
    torch.manual_seed(0)
    return ImageClassifier(RESNET, dict(type='GlobalAveragePooling'), head, **settings).train()


def test_they_are_those_of_a_loop_over_the_pairs_of_the_last_level():
    model, images = classifier(), torch.randn(4, 3, 64, 64)
    logged = logged_by_hook(model, images, samples(LABELS), 'loop')

    feats = model.extract_feat(images)[-1].detach().double()  # in training: the batch's own statistics
    feats = feats / feats.norm(dim=1, keepdim=True)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    between = [float((feats[i] - feats[j]).norm()) for i, j in pairs if LABELS[i] != LABELS[j]]
    within = [float((feats[i] - feats[j]).norm()) for i, j in pairs if LABELS[i] == LABELS[j]]
    assert (len(between), len(within)) == (5, 1)
    assert logged == {
        'dist_inter': pytest.approx(sum(between) / 5, rel=1e-5),
        'dist_intra': pytest.approx(within[0], rel=1e-5),
    }


def test_what_has_no_pairs_or_logs_them_itself_is_passed_over():
    images = torch.randn(3, 3, 64, 64)
    assert set(logged_by_hook(classifier(), images, samples([0, 1, 2]), 'no pair')) == {'dist_inter'}
    loss = dict(type='ClassVarianceLoss')
    model = LCVClassifier(RESNET, dict(type='GlobalAveragePooling'), HEAD, variance_loss=loss).train()
    assert logged_by_hook(model, images, samples([0, 0, 1]), 'itself') == {}


def test_mixed_images_have_no_distances_but_their_labels_as_scores_do():
    images = torch.rand(4, 3, 64, 64)
    torch.manual_seed(0)
    mixed = classifier(train_cfg=dict(augments=dict(type='Mixup', alpha=1.0)), data_preprocessor=dict(num_classes=3))
    assert logged_by_hook(mixed, images, samples([0, 1, 2, 0]), 'mixed') == {}
    soft = dict(HEAD, loss=dict(type='CrossEntropyLoss', use_soft=True))
    onehot = classifier(soft, data_preprocessor=dict(num_classes=3, to_onehot=True))
    assert set(logged_by_hook(onehot, images, samples(LABELS), 'not mixed')) == {'dist_inter', 'dist_intra'}
