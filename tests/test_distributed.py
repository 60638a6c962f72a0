"""Several processes on the CPU: losses and gradients, the launchers' scripts, a rank that dies."""

import json
import os
import signal
import socket
import subprocess
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from lcv_models import lcv_model
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmpretrain.structures import DataSample
from test_tools import CONFIG, logged
from tiny_run import BIRDLETS, run_ranks, start_tool, tiny_settings, wait_until
from torch import Tensor, nn

from lcv_mm.engine import EXIT_TRY_AGAIN

ROOT = Path(__file__).parents[1]
LABELS = torch.tensor([0, 1, 0, 2, 1, 3, 0, 2])  # each half has pairs of its own, and more across
OPTIONS = [dict(space='map', reduction='mean', inter='hinge'), dict(space='pooled', reduction='sum', inter='inverse')]


def classifier(gather: bool, **options: Any) -> nn.Module:
    backbone = dict(type='ResNet', depth=18, out_indices=(3,), norm_eval=True, base_channels=8, stem_channels=8)
    return lcv_model(dict(type='CBPHead', out_dim=512), backbone, 64, margin=1.9, gather=gather, **options).train()


def step(model: nn.Module, part: slice) -> dict[str, Tensor]:
    """One training step of SGD with a learning rate of 1 by the toolbox's own `train_step`: its log and gradients."""
    batch = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 240 + 120
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
    for name, model in (*((str(x), classifier(True, **x)) for x in OPTIONS), ('apart', classifier(False))):
        found[name] = step(MMDistributedDataParallel(model, broadcast_buffers=False), half)
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


@pytest.mark.parametrize('options', OPTIONS, ids=lambda options: '-'.join(map(str, options.values())))
def test_a_wrapped_classifier_has_the_log_and_gradients_of_one_process_with_the_whole_batch(ranks, options):
    whole = step(classifier(False, **options), slice(8))
    assert sum(name.endswith('weight') for name in whole) > 20
    for rank in ranks:
        got = rank[str(options)]
        assert got.keys() == whole.keys()
        for name in set(whole) - {'loss', 'loss_cls'}:  # the head's part of the log is each rank's own
            assert_close(got[name], whole[name], 1e-5, name)


def test_without_gather_each_process_has_the_pairs_of_its_own(ranks):
    for rank, part in zip(ranks, (slice(4), slice(4, 8)), strict=True):
        assert_close(rank['apart']['dist_inter'], step(classifier(False), part)['dist_inter'], 1e-5)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def launch(script: str, *args: object, **env: object) -> None:
    """Run one of the launchers' scripts."""
    variables = dict(PYTHON=sys.executable, PYTHONWARNINGS='ignore', OMP_NUM_THREADS=1, PORT=free_port()) | env
    env = os.environ | {name: str(value) for name, value in variables.items()}
    command = ['bash', f'tools/{script}.sh', *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f'{done.stdout[-2000:]}\n{done.stderr[-3000:]}'


def small(data: Path, epochs: int, **more: object) -> list[str]:
    """Options for 5 classes: 20 training images, and 15 test images, which two processes can't share evenly."""
    dataset = BIRDLETS | {'num_classes': 5, 'test_per_class': 3}
    values = tiny_settings(data, epochs, dataset) | {'model.head.out_dim': 128, 'model.variance_loss.gather': True}
    return ['--cfg-options', *(f'{key}={value}' for key, value in (values | more).items())]


def assert_same_weights(folder: Path, other: Path) -> None:
    """After two epochs, bit for bit."""
    ours, theirs = (torch.load(f / 'epoch_2.pth', weights_only=False)['state_dict'] for f in (folder, other))
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """Data and work dir of two epochs in two processes."""
    folder = tmp_path_factory.mktemp('run')
    data, work_dir = folder / 'birdlets', folder / 'work'
    launch('dist', 'train', 2, CONFIG, '--work-dir', work_dir, *small(data, epochs=2))
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
def test_two_processes_train_and_one_logs(trained):
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
    args = (tmp_path / 'metrics.py', work_dir / 'epoch_2.pth', '--out')
    assert codes(two_processes(tmp_path, 'test', *args, tmp_path / 'two.json', '--launcher', 'pytorch', *end)) == [0, 0]
    run_here('test', *args, tmp_path / 'one.json', *end)
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
    """A stand-in for a cluster, a folder of programs: `srun` and `torchrun` write down what they are to start."""
    programs = tmp_path / 'bin'
    programs.mkdir()
    for name in ('srun', 'torchrun'):
        (programs / name).write_text(f'#!/bin/sh\nprintf "%s\n" "$@" >> {tmp_path}/said\n')
    (programs / 'scontrol').write_text('#!/bin/sh\necho 127.0.0.1\necho 127.0.0.2\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    return programs


def test_each_of_several_machines_starts_its_processes_by_the_address_of_the_first(slurm, tmp_path):
    nodes = dict(NNODES=2, NODE_RANK=1, MASTER_ADDR='10.0.0.1', PORT=5)
    launch('dist', 'test', 4, CONFIG, '--tta', PYTHON=slurm / 'torchrun', **nodes)
    said = (tmp_path / 'said').read_text().splitlines()
    options = ['--nnodes=2', '--node_rank=1', '--master_addr=10.0.0.1', '--master_port=5', '--nproc_per_node=4']
    command = ['tools/test.py', str(CONFIG), '--tta', '--launcher=pytorch']
    assert said == ['-m', 'torch.distributed.run', *options, *command]


@pytest.mark.slow
@pytest.mark.parametrize('gres', [{'GRES': ''}, {}], ids=['no GPU', 'GPUs'])
def test_a_slurm_job_starts_the_same_training_with_the_resources_asked_for(gres, trained, slurm, tmp_path):
    data, work_dir = trained
    path = f'{slurm}:{os.environ["PATH"]}'
    env = dict(PATH=path, GPUS=2, GPUS_PER_NODE=2, SRUN_ARGS='--time=5 --quiet')
    args = ('--work-dir', tmp_path, *small(data, epochs=2))
    launch('slurm', 'train', 'cpu', 'lcv', CONFIG, *args, **env, **gres)
    options, _, command = (tmp_path / 'said').read_text().partition(f'\n{sys.executable}\n')
    expected = ['-p', 'cpu', '--job-name=lcv', *([] if gres else ['--gres=gpu:2']), '--ntasks=2']
    expected += ['--ntasks-per-node=2', '--cpus-per-task=5', '--kill-on-bad-exit=1', '--time=5', '--quiet']
    assert options.splitlines() == expected
    interpreter_option, script, *arguments = command.splitlines()
    assert (interpreter_option, script) == ('-u', 'tools/train.py')
    if gres:
        tasks = dict(PATH=path, SLURM_NTASKS=2, SLURM_NODELIST='here')
        assert codes(two_processes(tmp_path, 'train', *arguments, **tasks)) == [0, 0]
        assert_same_weights(tmp_path, work_dir)
