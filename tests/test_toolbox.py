import sys
import warnings
from pathlib import Path

import pytest

from lcv_mm import warn_of_overwritten_toolbox


def install(folder: Path, *names: str) -> None:
    """What pip leaves of distributions that bring the package `mmengine`."""
    for name in names:
        info = folder / f'{name.replace("-", "_")}-1.0.dist-info'
        info.mkdir(parents=True)
        (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n')
        (info / 'top_level.txt').write_text('mmengine\n')


def test_two_releases_in_one_folder_are_named(tmp_path, monkeypatch):
    install(tmp_path, 'mmengine', 'onedl-mmengine')
    monkeypatch.setattr(sys, 'path', [str(tmp_path)])
    with pytest.warns(UserWarning, match=r'mmengine and onedl-mmengine .*pip uninstall -y mmengine onedl-mmengine'):
        warn_of_overwritten_toolbox()


def test_two_releases_in_two_folders_do_not_touch_each_other(tmp_path, monkeypatch):
    install(tmp_path / 'a', 'mmengine')
    install(tmp_path / 'b', 'onedl-mmengine')
    monkeypatch.setattr(sys, 'path', [str(tmp_path / 'a'), str(tmp_path / 'b')])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        warn_of_overwritten_toolbox()
