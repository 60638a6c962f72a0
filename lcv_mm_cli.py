"""The command `lcv_mm` and the arguments shared by its tools. Not in the package, whose import takes seconds."""

import argparse
import os
import runpy
import sys
from fnmatch import fnmatch
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

USAGE = """usage: lcv_mm TOOL [arguments of the tool]      (lcv_mm TOOL --help lists them)
       lcv_mm configs [PATTERN]              the names of the configs, such as those of 'own_images/*'
       lcv_mm --version

TOOL: {}"""


def tool_parser(description: str, checkpoint: bool = True, launcher: bool = False) -> argparse.ArgumentParser:
    """Return the parser of a command on a config.

    Args:
        description (str): What the command does.
        checkpoint (bool): Whether it takes a checkpoint after the config. Defaults to True.
        launcher (bool): Whether several processes can run it. Defaults to False.
    """
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='config file, or the name of a config of lcv_mm')
    if checkpoint:
        parser.add_argument('checkpoint', help='checkpoint file')
    if checkpoint or launcher:
        parser.add_argument(
            '--trust-checkpoint',
            action='store_true',
            help='load a checkpoint that contains code; it can run anything, so trust its source',
        )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. train_cfg.max_epochs=10 test_dataloader.batch_size=64',
    )
    if launcher:
        choices = ['none', 'pytorch', 'slurm']
        parser.add_argument('--launcher', choices=choices, default='none', help='job launcher')
        # torch.distributed.launch passes it
        parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser


def runs_parser(description: str, work_dir: str) -> argparse.ArgumentParser:
    """Return the parser of a command that runs many configs.

    Args:
        description (str): What the command does.
        work_dir (str): Default folder of the runs.
    """
    parser = argparse.ArgumentParser(
        description=description,
        epilog='Exit codes: 0, all runs finished; 1, some failed; 75, stopped or running elsewhere: run it again.',
    )
    parser.add_argument('--seeds', type=int, nargs='+', help='default: 0 1 2; with --report-only: all seeds run so far')
    parser.add_argument('--dry-run', action='store_true', help='list the runs and their state, but start none')
    parser.add_argument('--report-only', action='store_true', help='write the report, and run nothing')
    parser.add_argument(
        '--work-dir', type=Path, default=Path(work_dir), help='folder of all runs (default: %(default)s)'
    )
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder of the report (default: the work dir)')
    parser.add_argument('--amp', action='store_true', help='train in mixed precision; the report says so')
    parser.add_argument(
        '--engine',
        choices=['local', 'ray', 'slurm'],
        default='local',
        help='local: one run on each GPU, or in turn on the CPU; ray, slurm: on a cluster of that kind (pip install '
        "'lcv_mm[ray]' or 'lcv_mm[slurm]')",
    )
    parser.add_argument(
        '--engine-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='local: jobs=2; ray: options of ray.init and resources of a task, address=auto num_gpus=1; slurm: of '
        "submitit's update_parameters, slurm_partition=gpu timeout_min=600",
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of every config; {seed} in a value is the seed of each run',
    )
    return parser


def main() -> None:
    """Run the tool that the first argument names, with the arguments after it."""
    spec = find_spec('lcv_mm')  # imports nothing
    assert spec is not None
    package = Path(str(spec.origin)).parent
    tools = {file.stem: file for file in sorted((package / 'tools').glob('*.py'))}
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ''
    if name in ('-h', '--help'):
        print(USAGE.format(', '.join(tools)))
    elif name == '--version':
        print(f'lcv_mm {version("lcv_mm")}')
    elif name == 'configs':
        pattern = sys.argv[1] if len(sys.argv) > 1 else '*'
        configs = (file.relative_to(package / 'configs') for file in (package / 'configs').rglob('*.py'))
        names = [str(file.with_suffix('')) for file in sorted(configs) if not str(file).startswith('_')]
        print(*(name for name in names if fnmatch(name, pattern) or fnmatch(os.path.basename(name), pattern)), sep='\n')
    elif name in tools:
        main_of_tool = runpy.run_path(str(tools[name]))['main']
        sys.argv[0] = f'lcv_mm {name}'  # as the tool's help calls it
        sys.exit(main_of_tool())
    else:
        error = f'\n\nerror: no tool {name!r}' if name else ''
        raise SystemExit(USAGE.format(', '.join(tools)) + error)


if __name__ == '__main__':
    main()
