from types import SimpleNamespace

import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.optim import OneCycleLR

from lcv_mm.engine import SafeCheckpointHook, write_atomically
from lcv_mm.errors import ConfigError, UserFacingError


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    backend = get_file_backend(str(tmp_path), backend_args=SafeCheckpointHook().backend_args)
    file = tmp_path / 'epoch_1.pth'
    backend.put(b'old', file)
    (tmp_path / 'epoch_1.pth.part').symlink_to('/dev/full')  # the kernel's own "No space left on device"
    with pytest.raises(UserFacingError) as caught:
        backend.put(b'new' * 10**6, file)
    assert str(caught.value).startswith(f'{file}: 3 MB cannot be written (No space left on device)')
    assert file.read_bytes() == b'old'
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_1.pth']


def test_what_a_killed_write_left_is_overwritten_and_a_folder_is_made(tmp_path):
    (tmp_path / 'record.json.part').write_bytes(b'half of a longer one')
    write_atomically(tmp_path / 'record.json', 'words, \u00fc too')
    assert {path.name: path.read_text('utf-8') for path in tmp_path.iterdir()} == {'record.json': 'words, \u00fc too'}
    write_atomically(tmp_path / 'a' / 'b.pth', memoryview(b'x'))
    assert (tmp_path / 'a' / 'b.pth').read_bytes() == b'x'


def test_a_schedule_whose_state_has_a_function_is_loaded_safely_and_goes_on(tmp_path):
    def one_cycle() -> OneCycleLR:
        return OneCycleLR(torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.1), eta_max=1.0, total_steps=9)

    def rates(schedule: OneCycleLR, steps: int) -> list[float]:
        return [schedule.optimizer.step() or schedule.step() or schedule.get_last_value()[0] for _ in range(steps)]

    whole, first, resumed = one_cycle(), one_cycle(), one_cycle()
    rates(first, 4)
    checkpoint = dict(optimizer=first.optimizer.state_dict(), param_schedulers=[first.state_dict()])
    runner = SimpleNamespace(hooks=[], optim_wrapper=None, distributed=False)
    SafeCheckpointHook().before_save_checkpoint(runner, checkpoint)
    torch.save(checkpoint, tmp_path / 'epoch_1.pth')
    loaded = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)
    resumed.optimizer.load_state_dict(loaded['optimizer'])
    resumed.load_state_dict(loaded['param_schedulers'][0])
    assert rates(resumed, 4) == rates(whole, 8)[4:]


def test_one_checkpoint_alone_is_refused():
    with pytest.raises(ConfigError, match='max_keep_ckpts=1 deletes .*use 2 or more'):
        SafeCheckpointHook(max_keep_ckpts=1)
