import pytest
from mmengine.fileio import get_file_backend

from lcv_mm.engine import SafeCheckpointHook
from lcv_mm.errors import CheckpointError, ConfigError


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    backend = get_file_backend(str(tmp_path), backend_args=SafeCheckpointHook().backend_args)
    file = tmp_path / 'epoch_1.pth'
    backend.put(b'old', file)
    (tmp_path / 'epoch_1.pth.part').symlink_to('/dev/full')  # the kernel's own "No space left on device"
    with pytest.raises(CheckpointError, match=r'epoch_1.pth: cannot be written \(No space left on device\); 3 MB are'):
        backend.put(b'new' * 10**6, file)
    assert file.read_bytes() == b'old'
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_1.pth']


def test_what_a_killed_write_left_is_overwritten(tmp_path):
    (tmp_path / 'epoch_1.pth.part').write_bytes(b'half of a longer one')
    get_file_backend(backend_args=dict(backend='atomic')).put(b'whole', tmp_path / 'epoch_1.pth')
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {'epoch_1.pth': b'whole'}


def test_a_folder_is_made(tmp_path):
    get_file_backend(backend_args=dict(backend='atomic')).put(b'x', tmp_path / 'a' / 'b.pth')
    assert (tmp_path / 'a' / 'b.pth').read_bytes() == b'x'


def test_one_checkpoint_alone_is_refused():
    with pytest.raises(ConfigError, match=r'max_keep_ckpts=1 would delete the only checkpoint.*use 2 or more'):
        SafeCheckpointHook(max_keep_ckpts=1)


def test_another_backend_is_kept():
    assert SafeCheckpointHook(backend_args=dict(backend='local')).backend_args == dict(backend='local')
