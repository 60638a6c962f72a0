"""Whether a result may stand beside the paper's number."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config

from lcv_mm.reproduce.data_kind import data_kind

CONFIGS = Path(__file__).parents[2] / 'configs'
WHOLE = {
    'lcv_cbp_vgg16_cub448': (5994, 5794),
    'lcv_cbp_vgg16_dogs224': (12000, 8580),
    'lcv_cbp_vgg16_flower224': (680, 680),
}


def kind(config: str, train: int, test: int, cwd: Path, **changes) -> str:
    cfg = Config.fromfile(CONFIGS / f'{config}.py')
    cfg.merge_from_dict(changes)
    return data_kind(cfg, cwd, dict(train=train, test=test))


@pytest.mark.parametrize(('config', 'images'), WHOLE.items())
def test_whole_datasets_of_the_paper_are_real(config, images, tmp_path):
    assert kind(config, *images, tmp_path) == 'real'


@pytest.mark.parametrize(('config', 'images'), WHOLE.items())
def test_one_image_less_is_not(config, images, tmp_path):
    train, test = images
    assert kind(config, train - 1, test, tmp_path) == 'other'
    assert kind(config, train, test - 1, tmp_path) == 'other'


def test_training_on_the_test_images_is_not_the_papers(tmp_path):
    assert kind('cbp_vgg16_cub448', 5794, 5794, tmp_path, **{'train_dataloader.dataset.split': 'test'}) == 'other'


def test_birdlets_are_generated_in_whatever_number(tmp_path):
    assert kind('lcv_cbp_resnet18_birdlets64', 5994, 5794, tmp_path) == 'generated'


def test_birdlets_read_through_the_class_of_a_real_dataset_are_generated(tmp_path):
    root = tmp_path / 'data/CUB_200_2011'  # the config's own relative path
    root.mkdir(parents=True)
    assert kind('cbp_vgg16_cub448', 5994, 5794, tmp_path) == 'real'
    (root / 'birdlets.json').write_text(json.dumps({}))
    assert kind('cbp_vgg16_cub448', 5994, 5794, tmp_path) == 'generated'
