"""Checkpoints load as data on every route; files that bring code are refused."""

import builtins
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import mmengine.logging.history_buffer as mmengine_module
import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner
from tiny_run import loader
from torch import Tensor, nn

from lcv_mm.engine.load import load_checkpoints_safely, trust_checkpoints
from lcv_mm.errors import CheckpointError
from lcv_mm.models.strict_backbone import load_pretrained

GETATTR_MARK = 'lcv_mm_was_here'


class TinyModel(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, inputs: Tensor, mode: str = 'tensor') -> dict[str, Tensor] | list[Tensor]:
        out = self.linear(inputs)
        return {'loss': out.square().mean()} if mode == 'loss' else list(out)


class NumpyMetric(BaseMetric):
    """Returns numpy scalars, as scikit-learn's metrics do."""

    def process(self, data_batch: object, data_samples: object) -> None:
        self.results.append(1)

    def compute_metrics(self, results: list) -> dict:
        return {'f32': np.float32(0.5), 'i32': np.int32(3), 'flag': np.bool_(True), 'f64': np.float64(0.25)}


def tiny_runner(work_dir: Path, **changes: object) -> Runner:
    rows = loader([{'inputs': torch.full((2,), float(i))} for i in range(4)])
    save = dict(type='CheckpointHook', interval=1, by_epoch=False, save_best='f32', rule='greater')
    return Runner(
        TinyModel(),
        str(work_dir),
        train_dataloader=rows,
        val_dataloader=rows,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
        param_scheduler=dict(type='MultiStepLR', milestones=[1], by_epoch=False),
        train_cfg=dict(by_epoch=False, max_iters=2, val_interval=1),
        val_cfg=dict(),
        val_evaluator=dict(type=NumpyMetric),
        default_hooks=dict(checkpoint=save, logger=dict(type='LoggerHook', interval=1)),
        default_scope='mmengine',
        experiment_name=f'{work_dir.name}_{len(MessageHub._instance_dict)}',
        log_level='ERROR',
        **changes,
    )


class Payload:
    """Pickles as a call of `function(*args)`."""

    def __init__(self, function: Callable, *args: object) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple:
        return self.call


class GetattrPayload:
    """With the real getattr, writes into MMEngine's globals through a class that must be allowed."""

    def __reduce__(self) -> tuple:
        init = Payload(getattr, HistoryBuffer, '__init__')
        return getattr, (init, '__globals__'), None, None, iter([(GETATTR_MARK, 1)])


def save_payload(file: Path, name: str) -> Path:
    """A checkpoint that brings code; the file that it makes when it is run, but for `getattr`."""
    marker = file.with_name('marker')
    code = dict(
        open=Payload(open, str(marker), 'w'), system=Payload(os.system, f'touch {marker}'), getattr=GetattrPayload()
    )
    torch.save({'state_dict': TinyModel().state_dict(), 'extra': code[name]}, file)
    return marker


ROUTES = {
    'resume': lambda file, work_dir: tiny_runner(work_dir, load_from=str(file), resume=True).train(),
    'load_from': lambda file, work_dir: tiny_runner(work_dir, load_from=str(file)).train(),
    'load_pretrained': lambda file, _: load_pretrained(TinyModel(), file),
    'url': lambda url, _: CheckpointLoader.load_checkpoint(url),
    'pretrained_url': lambda url, _: load_pretrained(TinyModel(), url),
}


@pytest.mark.parametrize(('route', 'name'), [*((route, 'getattr') for route in ROUTES), ('load_from', 'system')])
def test_a_file_that_brings_code_is_refused(name, route, safe_checkpoints, cache, server, tmp_path):
    file = tmp_path / 'payload.pth'
    marker = save_payload(file, name)
    server.files[file.name] = file.read_bytes()
    assert builtins.getattr not in torch.serialization.get_safe_globals()
    with pytest.raises(CheckpointError, match=rf'payload\.pth: refused.*{name}.*--trust-checkpoint'):
        ROUTES[route](server.url(file.name) if 'url' in route else file, tmp_path / 'work')
    assert not marker.exists()
    assert (cache / file.name).is_file() == ('url' in route)  # a download that is refused is kept
    assert GETATTR_MARK not in vars(mmengine_module)


@pytest.mark.parametrize('name', ['open', 'getattr'])
def test_these_payloads_would_run_if_they_were_trusted(name, as_before, tmp_path):
    marker = save_payload(tmp_path / 'payload.pth', name)
    trust_checkpoints()
    CheckpointLoader.load_checkpoint(str(tmp_path / 'payload.pth'))
    assert marker.exists() or vars(mmengine_module).pop(GETATTR_MARK, None)


def test_a_plain_pickle_a_script_and_storage_that_mmengine_would_read_unsafely_are_refused(safe_checkpoints, tmp_path):
    (tmp_path / 'plain.pth').write_bytes(pickle.dumps(Payload(open, str(tmp_path / 'marker'), 'w')))
    torch.jit.script(nn.ReLU()).save(tmp_path / 'script.pth')
    for source in ('plain.pth', 'script.pth', 'cluster:s3://bucket/x.pth', 'petrel://x.pth', 'pavi://x.pth'):
        with pytest.raises(CheckpointError, match=r'plain\.pth|--trust-checkpoint'):
            CheckpointLoader.load_checkpoint(source if '://' in source else str(tmp_path / source))
    assert not (tmp_path / 'marker').exists()


def test_a_run_resumes_with_its_weights_and_histories(safe_checkpoints, tmp_path):
    tiny_runner(tmp_path / 'first').train()
    saved = torch.load(tmp_path / 'first/iter_2.pth')
    runner = tiny_runner(tmp_path / 'second')
    runner.resume(str(tmp_path / 'first/iter_2.pth'))
    assert runner.iter == 2
    for key, value in runner.model.state_dict().items():
        assert torch.equal(value, saved['state_dict'][key])
    histories = saved['message_hub']['log_scalars']
    assert {'train/loss', 'train/lr', 'val/f32', 'val/i32'} <= set(histories)
    for key, history in histories.items():
        resumed = runner.message_hub.log_scalars[key]
        assert type(resumed) is HistoryBuffer
        np.testing.assert_array_equal(resumed.data[0], history.data[0])
        np.testing.assert_array_equal(resumed.data[1], history.data[1])
    assert runner.message_hub.get_info('best_score') == np.float32(0.5)


def test_getattr_answers_for_the_four_statistics_only(safe_checkpoints, tmp_path):
    for name in ('min', 'max', 'mean', 'current'):
        torch.save(Payload(getattr, HistoryBuffer, name), tmp_path / 'good.pth')
        assert CheckpointLoader.load_checkpoint(str(tmp_path / 'good.pth')) is getattr(HistoryBuffer, name)
    for owner, name in ((HistoryBuffer, '__init__'), (HistoryBuffer, 'update'), (np.ndarray, 'min')):
        torch.save(Payload(getattr, owner, name), tmp_path / 'bad.pth')
        with pytest.raises(CheckpointError, match=r'builtins\.getattr'):
            CheckpointLoader.load_checkpoint(str(tmp_path / 'bad.pth'))


def test_a_file_that_was_cut_off_or_is_no_checkpoint_is_named(safe_checkpoints, tmp_path):
    damaged = [b'', b'not a checkpoint\n', b'\x80', b'PK', b'<html>404</html>']
    for zipped in (True, False):
        torch.save(nn.Linear(50, 50).state_dict(), tmp_path / 'x.pth', _use_new_zipfile_serialization=zipped)
        content = (tmp_path / 'x.pth').read_bytes()
        damaged += [content[: int(kept * len(content))] for kept in (0.02, 0.3, 0.9, 0.999)]
    for content in damaged:
        (tmp_path / 'x.pth').write_bytes(content)
        with pytest.raises(CheckpointError, match=r'x\.pth: damaged.*torch\.save.*download it again'):
            CheckpointLoader.load_checkpoint(str(tmp_path / 'x.pth'))
    with pytest.raises(CheckpointError, match=r'nowhere\.pth: no such checkpoint file'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'nowhere.pth'))


def test_an_environment_that_forces_the_opposite_is_overruled(as_before, monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    load_checkpoints_safely()
    save_payload(tmp_path / 'payload.pth', 'open')
    with pytest.raises(CheckpointError, match='refused'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'payload.pth'))
