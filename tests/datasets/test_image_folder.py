"""ImageFolder: which files of a user's folders are images, which folders are classes; the same for predicting."""

import os
from pathlib import Path

import numpy as np
import pytest
from layouts import draw_noise
from mmcv.image import imread
from PIL import Image

from lcv_mm.datasets import ImageFolder
from lcv_mm.datasets.image_file import find_images
from lcv_mm.errors import DataError

LOAD = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


def dataset(root: Path, **settings: object) -> ImageFolder:
    return ImageFolder(**{'data_root': str(root), 'pipeline': LOAD, **settings})


def seen(root: Path, **settings: object) -> set[tuple[str, int]]:
    """Path below the root and label of each image."""
    images = dataset(root, **settings)
    infos = [images.get_data_info(i) for i in range(len(images))]
    return {(os.path.relpath(info['img_path'], root), info['gt_label']) for info in infos}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ('a/1.png', 'a/deep/2.png', 'b/1.png', 'c/1.png'):
        draw_noise(tmp_path / 'images' / name)
    return tmp_path / 'images'


def write(file: Path) -> bool:
    """Whether Pillow can write a file of this kind."""
    picture = Image.fromarray(np.random.default_rng(0).integers(256, size=(24, 32, 3), dtype=np.uint8))
    for mode in ('RGB', 'P', '1'):
        try:
            picture.convert(mode).save(file)
        except (OSError, ValueError, KeyError):
            continue
        return True
    file.unlink(missing_ok=True)
    return False


def test_every_kind_of_file_that_both_decoders_read_is_trained_on_and_predicted_and_no_other(tmp_path):
    kinds = [
        kind for kind in sorted(Image.registered_extensions()) if kind not in ('.icns', '.pdf', '.pfm')
    ]  # .pfm: floats, read as black
    (tmp_path / 'a').mkdir()
    written = [kind for kind in [*kinds, '.JPG'] if write(tmp_path / f'a/x{kind}')]
    decoded = {f'a/x{kind}' for kind in written if imread(tmp_path / f'a/x{kind}') is not None}
    assert decoded >= {f'a/x{kind}' for kind in ('.jpg', '.JPG', '.webp', '.tiff', '.avif', '.gif', '.jfif', '.jp2')}
    images = dataset(tmp_path)
    assert {os.path.relpath(images.get_data_info(i)['img_path'], tmp_path) for i in range(len(images))} == decoded
    assert {str(file.relative_to(tmp_path)) for file in find_images([tmp_path])} == decoded
    assert all(images[i]['inputs'].shape == (3, 24, 32) for i in range(len(images)))


def test_hidden_folders_are_no_classes_links_end_and_the_log_counts_the_rest(folder, tmp_path, capfd):
    plain = seen(folder)
    draw_noise(folder / '.ipynb_checkpoints/1.png')
    draw_noise(folder / 'a/.ipynb_checkpoints/1.png')
    draw_noise(folder / 'a/._1.png')
    draw_noise(folder / 'lies in no class.png')
    (folder / 'b/notes.txt').touch()
    (folder / 'b/gone.jpg').symlink_to('nowhere.jpg')
    (folder / 'a/itself').symlink_to('.')
    (folder / 'a/up').symlink_to(folder)
    (folder / 'b/cousin').symlink_to(folder / 'c')
    (folder / 'c/back').symlink_to(folder / 'b')
    draw_noise(tmp_path / 'elsewhere/9.png')
    (folder / 'd').symlink_to(tmp_path / 'elsewhere')  # a class may be a link
    found = {os.path.relpath(file, folder) for file in find_images([folder])}
    assert found == {name for name, _ in plain} | {'b/cousin/1.png', 'c/back/1.png', 'd/9.png', 'lies in no class.png'}
    assert seen(folder) == plain | {('b/cousin/1.png', 1), ('c/back/1.png', 2), ('d/9.png', 3)}
    log = capfd.readouterr().out
    assert f'{folder}: 8 images; skipped: 3 hidden, 2 .txt, 2 .jpg' in log
    assert 'skipped images in no folder: 1' in log


def test_labels_follow_the_names_of_the_classes_and_a_strange_folder_is_named(folder):
    assert seen(folder) == {('a/1.png', 0), ('a/deep/2.png', 0), ('b/1.png', 1), ('c/1.png', 2)}
    named = dict(classes=['c', 'absent', 'b', 'a'])  # one has no image here
    assert seen(folder, metainfo=named) == {('a/1.png', 3), ('a/deep/2.png', 3), ('b/1.png', 2), ('c/1.png', 0)}
    titles = dict(classes=['Ara', 'Bat', 'Crow'])
    assert seen(folder, metainfo=titles) == seen(folder)
    assert dataset(folder, metainfo=titles).metainfo['classes'] == tuple(titles['classes'])
    for classes, lacking in ((['a', 'd'], 'b, c'), (['b', 'c', 'A'], 'a')):
        with pytest.raises(DataError, match=rf'metainfo\.classes lacks {lacking};'):
            dataset(folder, metainfo=dict(classes=classes))


def test_a_damaged_image_is_one_message_that_names_it(folder):
    (folder / 'b/1.png').write_bytes((folder / 'b/1.png').read_bytes()[:300])
    images = dataset(folder)
    with pytest.raises(DataError, match=rf'^the image {folder}/b/1.png is damaged, .*\n?.*--check'):
        images[2]
