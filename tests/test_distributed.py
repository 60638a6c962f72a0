"""Several processes on the CPU: losses and gradients, the launchers' scripts, a rank that dies."""

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from test_tools import CONFIG, logged
from tiny_run import BIRDLETS, run_ranks, start_tool, tiny_settings, wait_until
from torch import Tensor, nn

from lcv_mm.engine import EXIT_TRY_AGAIN
from lcv_mm.errors import ConfigError
from lcv_mm.models import ClassVarianceLoss

ROOT = Path(__file__).parents[1]
LABELS = torch.tensor([0, 1, 0, 2, 1, 3, 0, 2])  # each half has pairs of its own, and more across
OPTIONS = [
    dict(space=space, normalize=normalize, reduction=reduction, inter=inter)
    for space, normalize, reduction, inter in product(
        ('map', 'pooled'), (True, False), ('mean', 'sum'), ('hinge', 'inverse')
    )
]
DTYPES = {'float64': 1e-10, 'float32': 1e-5}  # relative to the largest gradient


def images(dtype: torch.dtype) -> Tensor:
    return torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


class Maps(nn.Module):
    """A layer and the loss of its maps: which of the two terms has weight is the caller's."""

    def __init__(self, dtype: torch.dtype, **options: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 6, 3).to(dtype)
        # beyond any of the distances: each pair has a slope
        self.loss = ClassVarianceLoss(margin=2.0 if options['normalize'] else 30.0, **options)

    def forward(self, batch: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return self.loss((self.layer(batch),), labels)


def term_gradients(model: nn.Module, batch: Tensor, labels: Tensor) -> dict[str, list[Tensor]]:
    """Each term and the gradients it gives the parameters."""
    found = {}
    for term in ('loss_inter', 'loss_intra'):
        model.zero_grad()
        losses = model(batch, labels)
        # DDP reduces the parameters of a backward pass: the other term stays in it with weight 0
        sum(value * (name == term) for name, value in losses.items()).backward()
        found[term] = [losses[term].detach(), *(p.grad.clone() for p in model.parameters())]
    return found


def classifier(gather: bool, reduction: str = 'mean') -> nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='LCVClassifier',
            backbone=dict(type='ResNet', depth=18, out_indices=(3,), norm_eval=True, base_channels=8, stem_channels=8),
            neck=dict(type='ResidualAttention'),
            head=dict(type='CBPHead', num_classes=4, in_channels=64, out_dim=512),
            variance_loss=dict(type='ClassVarianceLoss', margin=1.9, gather=gather, reduction=reduction),
            data_preprocessor=dict(mean=[0.0] * 3, std=[1.0] * 3, num_classes=4),
        )
    )
    return model.train()


def step(model: nn.Module, part: slice) -> dict[str, Tensor]:
    """One training step of SGD with a learning rate of 1 by the toolbox's own `train_step`: its log and gradients."""
    batch = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 4
    samples = [DataSample().set_gt_label(int(label)) for label in LABELS[part]]
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0))
    wrapper.zero_grad = lambda **kwargs: None  # type: ignore[method-assign]  # keeps the gradients to look at
    log = model.train_step(dict(inputs=batch[part], data_samples=samples), wrapper)
    parameters = getattr(model, 'module', model).named_parameters()
    return {**log, **{name: p.grad for name, p in parameters if p.grad is not None}}


def of_a_rank(rank: int, init_file: str, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=init_file, rank=rank, world_size=2)
    half = slice(4 * rank, 4 * rank + 4)
    found: dict[str, Any] = {}
    for (i, setting), dtype in product(enumerate(OPTIONS), DTYPES):
        wrapped = MMDistributedDataParallel(Maps(getattr(torch, dtype), gather=True, **setting))
        found[f'{i} {dtype}'] = term_gradients(wrapped, images(getattr(torch, dtype))[half], LABELS[half])
    for reduction in ('mean', 'sum'):
        wrapped = MMDistributedDataParallel(classifier(True, reduction), broadcast_buffers=False)
        found[reduction] = step(wrapped, half)
    apart = MMDistributedDataParallel(classifier(False), broadcast_buffers=False)
    found['apart'] = step(apart, half)
    with pytest.raises(ConfigError) as caught:
        ClassVarianceLoss(gather=True)(torch.ones(2 + rank, 4), torch.zeros(2 + rank))
    found['uneven'] = str(caught.value)
    torch.save(found, folder / f'{rank}.pth')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp('ranks')
    run_ranks(of_a_rank, f'file://{folder}/init', folder)
    return [torch.load(folder / f'{rank}.pth') for rank in range(2)]


def assert_close(got: Tensor, expected: Tensor, tolerance: float, name: str = '') -> None:
    """Within `tolerance` of the largest value, which is not 0."""
    difference, scale = (got - expected).abs().max().item(), expected.abs().max().item()
    assert scale > 0, name
    assert difference <= tolerance * scale, f'{name}: off by {difference} of {scale}'


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('options', OPTIONS, ids=lambda options: '-'.join(map(str, options.values())))
def test_two_processes_give_the_losses_and_gradients_of_one_with_the_whole_batch(ranks, options, dtype):
    kind = getattr(torch, dtype)
    whole = term_gradients(Maps(kind, **options), images(kind), LABELS)
    for rank, (term, expected) in product(ranks, whole.items()):
        loss, *gradients = rank[f'{OPTIONS.index(options)} {dtype}'][term]
        assert_close(loss, expected[0], DTYPES[dtype])
        ours, theirs = (torch.cat([grad.flatten() for grad in grads]) for grads in (gradients, expected[1:]))
        assert_close(ours, theirs, DTYPES[dtype])


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
def test_a_wrapped_classifier_has_the_log_and_gradients_of_one_process_with_the_whole_batch(ranks, reduction):
    whole = step(classifier(False, reduction), slice(8))
    assert sum(name.endswith('weight') for name in whole) > 20
    for rank in ranks:
        got = rank[reduction]
        assert got.keys() == whole.keys()
        for name in set(whole) - {'loss', 'loss_cls'}:  # the head's part of the log is each rank's own
            assert_close(got[name], whole[name], 1e-5, name)


def test_without_gather_each_process_logs_the_pairs_of_its_own(ranks):
    for rank, part in zip(ranks, (slice(4), slice(4, 8)), strict=True):
        alone = step(classifier(False), part)
        assert_close(rank['apart']['dist_inter'], alone['dist_inter'], 1e-5)
        assert ('dist_intra' in rank['apart']) == ('dist_intra' in alone) == (part.start is None)
    assert ranks[0]['mean']['dist_intra'] == ranks[1]['mean']['dist_intra']


def test_uneven_batches_are_an_error_of_the_config_on_every_rank(ranks):
    for rank in ranks:
        assert 'hold [2, 3] images' in rank['uneven']
        assert '`round_up=True`' in rank['uneven']


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def launch(script: str, *args: object, check: bool = True, **env: object) -> subprocess.CompletedProcess:
    """Run one of the launchers' scripts, with all its output in `stdout`."""
    variables = dict(PYTHON=sys.executable, PYTHONWARNINGS='ignore', OMP_NUM_THREADS=1, PORT=free_port()) | env
    process = subprocess.Popen(
        ['bash', f'tools/{script}.sh', *map(str, args)],
        cwd=ROOT,
        env=os.environ | {name: str(value) for name, value in variables.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        process.terminate()  # and not `kill`: the launcher is to end its processes
        pytest.fail(f'{script} was not done in 600 s:\n{process.communicate()[0][-5000:]}')
    done = subprocess.CompletedProcess(process.args, process.returncode, output)
    if check and done.returncode:
        pytest.fail(f'{script} ended with {done.returncode}:\n{done.stdout[-5000:]}')
    return done


def small(data: Path, epochs: int, **more: object) -> list[str]:
    """Options for 5 classes: 20 training images, and 15 test images, which two processes can't share evenly."""
    dataset = BIRDLETS | {'num_classes': 5, 'test_per_class': 3}
    values = tiny_settings(data, epochs, dataset) | {'model.head.out_dim': 128, 'model.variance_loss.gather': True}
    return ['--cfg-options', *(f'{key}={value}' for key, value in (values | more).items())]


def processes_of(work_dir: Path) -> list[int]:
    """Processes whose command line names the work dir."""
    found = []
    for process in Path('/proc').glob('[0-9]*'):
        with suppress(OSError):  # it ended meanwhile
            if str(work_dir).encode() in (process / 'cmdline').read_bytes():
                found.append(int(process.name))
    return found


def assert_same_weights(folder: Path, other: Path) -> None:
    """After two epochs, bit for bit."""
    ours, theirs = (torch.load(f / 'epoch_2.pth', weights_only=False)['state_dict'] for f in (folder, other))
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """Data and work dir of two epochs in two processes, as on two machines."""
    folder = tmp_path_factory.mktemp('run')
    data, work_dir = folder / 'birdlets', folder / 'work'
    port = free_port()

    def node(rank: int) -> None:
        env = dict(NNODES=2, NODE_RANK=rank, MASTER_ADDR='127.0.0.1', PORT=port)
        launch('dist', 'train', 1, CONFIG, '--work-dir', work_dir, *small(data, epochs=2), **env)

    with ThreadPoolExecutor() as pool:
        list(pool.map(node, range(2)))
    return data, work_dir


def two_processes(folder: Path, *args: object, **env: object) -> list[BaseProcess]:
    """The two of a training, as a launcher starts them."""
    env = dict(WORLD_SIZE=2, MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port()) | env
    ranks = [dict(RANK=i, LOCAL_RANK=i, SLURM_PROCID=i, SLURM_LOCALID=i) for i in range(2)]
    return [start_tool(folder / f'output_{i}', *args, **env, **ranks[i]) for i in range(2)]


def codes(processes: list[BaseProcess]) -> list[int | None]:
    for process in processes:
        process.join(600)
    return [process.exitcode for process in processes]


@pytest.mark.slow
def test_two_processes_train_and_one_writes(trained):
    steps = [record for record in logged(trained[1]) if 'loss' in record]
    assert [record['step'] for record in steps] == [1, 2, 3, 4]  # 10 of 20 images each, in batches of 8
    assert all(0 < record['dist_intra'] <= 2 for record in steps)


@pytest.mark.slow
def test_two_processes_test_with_the_accuracy_of_one(trained, tmp_path, run_here):
    data, work_dir = trained
    cfg = Config.fromfile(CONFIG)
    cfg.custom_hooks = [dict(type='lcv_mm.engine.PooledFeatureHook')]
    cfg.test_evaluator = [cfg.test_evaluator, dict(type='lcv_mm.ClassVarianceMetric')]
    cfg.dump(tmp_path / 'metrics.py')
    end = ('--work-dir', tmp_path, '--out-item', 'metrics', *small(data, epochs=2))
    launch('dist', 'test', 2, tmp_path / 'metrics.py', work_dir / 'epoch_2.pth', '--out', tmp_path / 'two.json', *end)
    run_here('test', tmp_path / 'metrics.py', work_dir / 'epoch_2.pth', '--out', tmp_path / 'one.json', *end)
    two, one = (json.loads((tmp_path / name).read_text()) for name in ('two.json', 'one.json'))
    assert two == pytest.approx(one, rel=1e-4)
    assert two['accuracy/top5'] == 100  # of 5 classes
    assert {name.partition('/')[0] for name in two} == {'accuracy', 'class_variance'}


@pytest.mark.slow
def test_all_processes_stop_where_one_is_told_to_and_lose_nothing(trained, tmp_path):
    data, work_dir = trained
    args = ('train', CONFIG, '--launcher', 'pytorch', '--work-dir', tmp_path / 'work', *small(data, epochs=2))
    processes = two_processes(tmp_path, *args)
    wait_until(lambda: any('Epoch(train)' in log.read_text() for log in tmp_path.glob('work/*/*.log')))
    os.kill(processes[1].pid, signal.SIGTERM)
    assert codes(processes) == [EXIT_TRY_AGAIN] * 2
    assert 'continue with --resume' in (tmp_path / 'output_0').read_text()
    assert not (tmp_path / 'work/epoch_2.pth').exists()
    assert codes(two_processes(tmp_path, *args, '--resume')) == [0, 0]
    assert_same_weights(tmp_path / 'work', work_dir)


@pytest.fixture
def slurm(tmp_path) -> Path:
    """A stand-in for a cluster, a folder of programs: `srun` writes down what it is to start."""
    programs = tmp_path / 'bin'
    programs.mkdir()
    (programs / 'srun').write_text(f'#!/bin/sh\nprintf "%s\n" "$@" >> {tmp_path}/said\n')
    (programs / 'scontrol').write_text('#!/bin/sh\necho 127.0.0.1\necho 127.0.0.2\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    return programs


@pytest.mark.slow
@pytest.mark.parametrize(('tool', 'gres'), [('train', {'GRES': ''}), ('test', {})])
def test_a_slurm_job_trains_and_tests_like_the_launcher(tool, gres, trained, slurm, tmp_path):
    data, work_dir = trained
    path = f'{slurm}:{os.environ["PATH"]}'
    args = (
        [] if tool == 'train' else [work_dir / 'epoch_2.pth', '--out', tmp_path / 'out.json', '--out-item', 'metrics']
    )
    args += ['--work-dir', tmp_path, *small(data, epochs=2)]
    env = dict(PATH=path, GPUS=2, GPUS_PER_NODE=2, SRUN_ARGS='--time=5 --quiet')
    launch('slurm', tool, 'cpu', 'lcv', CONFIG, *args, **env, **gres)
    options, _, command = (tmp_path / 'said').read_text().partition(f'\n{sys.executable}\n')
    expected = ['-p', 'cpu', '--job-name=lcv', *(['--gres=gpu:2'] if tool == 'test' else []), '--ntasks=2']
    expected += ['--ntasks-per-node=2', '--cpus-per-task=5', '--kill-on-bad-exit=1', '--time=5', '--quiet']
    assert options.splitlines() == expected
    interpreter_option, script, *arguments = command.splitlines()
    assert (interpreter_option, script) == ('-u', f'tools/{tool}.py')
    tasks = dict(PATH=path, SLURM_NTASKS=2, SLURM_NODELIST='here')
    assert codes(two_processes(tmp_path, tool, *arguments, **tasks)) == [0, 0]
    if tool == 'train':
        assert_same_weights(tmp_path, work_dir)
    else:
        assert json.loads((tmp_path / 'out.json').read_text())['accuracy/top5'] == 100


FAULTY = """
import os, signal
from mmengine.dist import get_rank
from mmengine.hooks import Hook

class FaultyHook(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 2 and get_rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_rank_that_is_killed_ends_the_others_and_is_shown(tmp_path):
    (tmp_path / 'faulty.py').write_text(FAULTY)
    work_dir = tmp_path / 'work'
    workers = {
        'train_dataloader.num_workers': 1,
        'train_dataloader.persistent_workers': True,
        'train_cfg.val_interval': 50,
    }
    more = workers | {'default_hooks.faulty.type': 'faulty.FaultyHook'}
    done = launch(
        'dist', 'train', 2, CONFIG, '--work-dir', work_dir, *small(tmp_path / 'birdlets', epochs=50, **more),
        check=False, PYTHONPATH=tmp_path,
    )  # fmt: skip
    assert done.returncode != 0
    assert 'Signal 9 (SIGKILL)' in done.stdout
    wait_until(lambda: not processes_of(work_dir))


@pytest.mark.parametrize('script', ['dist', 'slurm'])
def test_a_script_without_its_arguments_says_how_to_call_it(script):
    done = launch(script, CONFIG, check=False)
    assert done.returncode == 2
    assert f'bash tools/{script}.sh ' in done.stdout
