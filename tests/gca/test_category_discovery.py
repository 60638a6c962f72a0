import numpy as np
import pytest
from mmpretrain.registry import DATASETS

from lcv_mm.datasets import dataset_labels
from lcv_mm.errors import ConfigError
from lcv_mm.gca import CategoryDiscovery
from lcv_mm.gca.category_discovery import choose_known, draw_labelled


def test_known_classes_come_first_and_half_of_their_images_are_labelled(tmp_path):
    source = dict(type='Birdlets', num_classes=6, train_per_class=5, test_per_class=1, image_size=32, split='train')
    source |= dict(data_root=str(tmp_path / 'birdlets'), _scope_='mmpretrain')
    source['pipeline'] = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    every = CategoryDiscovery(source, 3, [4, 0, 2])
    rest = CategoryDiscovery(source, 3, [4, 0, 2], subset='unlabelled')
    plain = DATASETS.build(source)
    order = [4, 0, 2, 1, 3, 5]
    assert every.metainfo['classes'] == tuple(plain.metainfo['classes'][label] for label in order)
    assert every.metainfo['num_known'] == rest.metainfo['num_known'] == 3
    assert every.labels.tolist() == [order.index(label) for label in dataset_labels(plain)]
    assert (len(every), len(rest)) == (30, 23)  # int(0.5 * 15) = 7 labelled
    assert set(every.labels[every.is_labelled]) <= {0, 1, 2}
    labelled = {every[i]['data_samples'].img_path for i in np.flatnonzero(every.is_labelled)}
    unlabelled = {rest[i]['data_samples'].img_path for i in range(len(rest))}
    assert len(labelled) == 7
    assert not labelled & unlabelled
    assert labelled | unlabelled == {plain.get_data_info(i)['img_path'] for i in range(30)}
    # in training an unlabelled image has no label, and each image has its number
    samples = [every[i]['data_samples'] for i in range(30)]
    assert [sample.sample_idx for sample in samples] == list(range(30))
    expected = np.where(every.is_labelled, every.labels, -1).tolist()
    assert [sample.gt_label.item() for sample in samples] == expected == dataset_labels(every).tolist()
    true = every.labels[~every.is_labelled].tolist()
    assert [rest[i]['data_samples'].gt_label.item() for i in range(len(rest))] == true == dataset_labels(rest).tolist()


def test_both_draws_follow_from_the_seed():
    drawn = [choose_known(200, 100, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == sorted(set(drawn[0]))
    labels = np.arange(400) % 10
    labelled = [np.flatnonzero(draw_labelled(labels, 4, 0.5, seed)).tolist() for seed in (0, 0, 1)]
    assert labelled[0] == labelled[1] != labelled[2]
    # the published draw: numpy's legacy generator, seeded with 0, permutes the known classes' images
    positions = np.random.RandomState(0).permutation(160)[:80]
    assert labelled[0] == sorted(np.flatnonzero(labels < 4)[positions])


def test_a_list_of_classes_is_kept_in_its_order_and_must_be_complete(tmp_path):
    (tmp_path / 'known.txt').write_text('3\n0\n2\n')
    assert choose_known(5, 3, str(tmp_path / 'known.txt')) == choose_known(5, 3, [3, 0, 2]) == [3, 0, 2]
    for wrong in ([0, 0], [0], [0, 5]):
        with pytest.raises(ConfigError, match='num_known=2 different numbers below 5'):
            choose_known(5, 2, wrong)


def test_an_unknown_subset_is_refused():
    with pytest.raises(ConfigError, match="subset='All': expected one of all, unlabelled"):
        CategoryDiscovery({}, 1, subset='All')
