"""What is logged and kept of the features that go into any classifier's head."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.logging import MessageHub
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample

from lcv_mm import LCVClassifier
from lcv_mm.engine import ClassDistanceHook, PooledFeatureHook

RESNET = dict(type='ResNet', depth=18, out_indices=(2, 3))
POOL = dict(type='GlobalAveragePooling')
HEAD = dict(type='LinearClsHead', in_channels=512, num_classes=3, topk=(1,))
LABELS = [0, 0, 1, 2]
IMAGES = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def logged_by_hook(model: Any, name: str, labels: list[int] = LABELS) -> dict[str, float]:
    """One training batch with `ClassDistanceHook`; what it logged."""
    hub = MessageHub.get_instance(name)
    runner = SimpleNamespace(model=model, message_hub=hub)
    hook = ClassDistanceHook()
    hook.before_train(runner)
    batch = dict(inputs=IMAGES, data_samples=[DataSample().set_gt_label(label) for label in labels])
    model.loss(**model.data_preprocessor(batch, True))
    hook.after_train_iter(runner, 0, batch, {})
    hook.after_train(runner)
    return {key.removeprefix('train/'): float(value.current()) for key, value in hub.log_scalars.items()}


def classifier(neck: dict | None = POOL, head: dict = HEAD, **settings: Any) -> ImageClassifier:
    torch.manual_seed(0)
    return ImageClassifier(RESNET, neck, head, **settings).train()


def test_distances_are_those_of_a_loop_over_the_pairs_of_the_last_level():
    model = classifier()
    logged = logged_by_hook(model, 'loop')
    feats = model.extract_feat(IMAGES)[-1].detach().double()  # in training: the batch's own statistics
    feats = feats / feats.norm(dim=1, keepdim=True)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    between = [float((feats[i] - feats[j]).norm()) for i, j in pairs if LABELS[i] != LABELS[j]]
    within = [float((feats[i] - feats[j]).norm()) for i, j in pairs if LABELS[i] == LABELS[j]]
    assert (len(between), len(within)) == (5, 1)
    assert logged == {
        'dist_inter': pytest.approx(sum(between) / 5, rel=1e-5),
        'dist_intra': pytest.approx(within[0], rel=1e-5),
    }


def test_what_has_no_pairs_or_logs_them_itself_or_mixes_images_is_passed_over_but_not_labels_as_scores():
    assert set(logged_by_hook(classifier(), 'no pair within', [0, 0, 0, 0])) == {'dist_intra'}
    model = LCVClassifier(RESNET, POOL, HEAD, variance_loss=dict(type='ClassVarianceLoss')).train()
    assert logged_by_hook(model, 'itself') == {}
    mixed = classifier(train_cfg=dict(augments=dict(type='Mixup', alpha=1.0)), data_preprocessor=dict(num_classes=3))
    assert logged_by_hook(mixed, 'mixed') == {}
    soft = dict(HEAD, loss=dict(type='CrossEntropyLoss', use_soft=True))
    onehot = classifier(head=soft, data_preprocessor=dict(num_classes=3, to_onehot=True))
    assert set(logged_by_hook(onehot, 'not mixed')) == {'dist_inter', 'dist_intra'}


@pytest.mark.parametrize('neck', [None, POOL])
def test_pooled_features_are_the_last_level_that_goes_into_the_head_mean_over_places(neck):
    # without the neck the head is given maps, and with it vectors
    head = HEAD if neck else dict(type='CBPHead', in_channels=512, num_classes=3, out_dim=16)
    model = classifier(neck, head).eval()
    runner, hook = SimpleNamespace(model=model), PooledFeatureHook()
    hook.before_val(runner)
    with torch.no_grad():
        samples = model(IMAGES, [DataSample() for _ in IMAGES], mode='predict')
        expected = model.backbone(IMAGES)[-1].mean((2, 3))
    hook.after_val(runner)
    for sample, feat in zip(samples, expected, strict=True):
        torch.testing.assert_close(sample.pooled_feat, feat)
    assert not any('pooled_feat' in sample for sample in model(IMAGES, mode='predict'))


def test_pooled_features_of_low_precision_are_float32_and_alone_in_memory():
    model = classifier(POOL, HEAD).eval().bfloat16()
    hook = PooledFeatureHook()
    hook.before_val(SimpleNamespace(model=model))
    (sample, *_) = model(IMAGES.bfloat16(), [DataSample() for _ in IMAGES], mode='predict')
    hook.after_val(SimpleNamespace(model=model))
    assert sample.pooled_feat.dtype == torch.float32  # NumPy has no bfloat16
    assert sample.pooled_feat.untyped_storage().nbytes() == 4 * 512
