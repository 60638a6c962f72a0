import pytest
import torch

from lcv_mm.errors import ConfigError
from lcv_mm.models import ClassVarianceLoss
from lcv_mm.ops import class_variance

FEATS = torch.rand(4, 3, 2, 5, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 0, 2])
NAN, INF = float('nan'), float('inf')


def test_the_module_gives_the_losses_of_the_flattened_map():
    options = dict(inter='exp', tau=0.3, normalize=False, reduction='sum')
    got = ClassVarianceLoss(**options)(FEATS, LABELS)
    inter, intra = class_variance(FEATS.flatten(1), LABELS, **options)
    assert got.keys() == {'loss_inter', 'loss_intra'}
    torch.testing.assert_close((got['loss_inter'], got['loss_intra']), (inter, intra))


def test_pooled_space_compares_the_mean_over_places():
    got = ClassVarianceLoss(space='pooled')(FEATS, LABELS)
    inter, intra = class_variance(FEATS.mean((2, 3)), LABELS)
    torch.testing.assert_close((got['loss_inter'], got['loss_intra']), (inter, intra))
    vectors = FEATS.mean((2, 3))
    torch.testing.assert_close(ClassVarianceLoss(space='pooled')(vectors, LABELS), got)


def test_weights_scale_the_two_terms():
    plain = ClassVarianceLoss()(FEATS, LABELS)
    scaled = ClassVarianceLoss(weight_inter=0.5, weight_intra=3.0)(FEATS, LABELS)
    torch.testing.assert_close(scaled['loss_inter'], 0.5 * plain['loss_inter'])
    torch.testing.assert_close(scaled['loss_intra'], 3 * plain['loss_intra'])


def test_levels_are_chosen_by_index_or_averaged():
    levels = (FEATS, FEATS.flip(0).square(), FEATS[:, :2] + 1)
    each = [ClassVarianceLoss()(level, LABELS)['loss_inter'] for level in levels]
    torch.testing.assert_close(ClassVarianceLoss()(levels, LABELS)['loss_inter'], each[2])
    torch.testing.assert_close(ClassVarianceLoss(level=1)(levels, LABELS)['loss_inter'], each[1])
    torch.testing.assert_close(ClassVarianceLoss(level='all')(levels, LABELS)['loss_inter'], sum(each) / 3)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(margin=3.0), r'margin=3.0 must be in \[0, 2\].*normalize=False'),
        (dict(tau=0.0), 'tau=0.0 must be above 0'),
        (dict(tau=NAN), 'must be above 0, and finite'),
        *((dict(margin=value, normalize=False), r'must be in \[0, 2\]') for value in (NAN, INF, -0.1)),
        *((dict(weight_inter=value), 'must be 0 or more, and finite') for value in (NAN, INF, -1.0)),
        (dict(weight_intra=-1.0), 'must be 0 or more, and finite'),
        (dict(tau=INF), 'must be above 0, and finite'),
        *(({name: 'far'}, f"{name}='far' is unknown") for name in ('inter', 'space', 'reduction')),
        (dict(level=True), "level=True must be an index such as -1, or 'all'"),
    ],
)
def test_bad_options_are_refused_when_the_model_is_built(options, message):
    with pytest.raises(ConfigError, match=message):
        ClassVarianceLoss(**options)


def test_values_at_the_limits_are_accepted_and_levels_beyond_them_are_not():
    for options in (dict(margin=2.0), dict(margin=0.0), dict(weight_inter=0.0, weight_intra=0.0)):
        ClassVarianceLoss(**options)
    ClassVarianceLoss(margin=3.0, normalize=False)
    ClassVarianceLoss(inter='exp', margin=3.0)  # has no margin
    for level in (2, -3):
        with pytest.raises(ConfigError, match=f'level={level}, but the neck returns 2 level'):
            ClassVarianceLoss(level=level)((FEATS, FEATS), LABELS)


def test_the_mean_over_places_of_float16_is_float32():
    feats = torch.full((2, 1, 2, 1), 2048.0, dtype=torch.float16)
    feats[1, 0, 0] = 2050  # mean 2049, which float16 rounds to 2048
    loss = ClassVarianceLoss(space='pooled', normalize=False)(feats, torch.tensor([0, 0]))
    assert loss['loss_intra'].item() == 1
