"""A run that is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class RunSpec:
    """One config with one seed; all paths are absolute, for a process elsewhere to find them.

    Args:
        config (Path): The config's file.
        seed (int): For `randomness.seed`.
        work_dir (Path): Folder of all runs.
        tools (Path): Folder of train.py and test.py.
        cwd (Path): Folder to run in: the data's paths are relative to it.
        options (Mapping[str, str]): Settings put over the config, as on a command line, `{'train_cfg.max_epochs':
            '10'}`.
        amp (bool): Whether to train in mixed precision.
    """

    config: Path
    seed: int
    work_dir: Path
    tools: Path
    cwd: Path
    options: Mapping[str, str] = field(default_factory=dict)
    amp: bool = False

    @property
    def name(self) -> str:
        """Such as `lcv_cbp_vgg16_cub448, seed 0`."""
        return f'{self.config.stem}, seed {self.seed}'

    @property
    def folder(self) -> Path:
        """Where the run's logs, checkpoints and record are."""
        return self.work_dir / self.config.stem / f'seed_{self.seed}'

    def train_command(self) -> list[str]:
        """Arguments of Python that train the run, or carry it on."""
        amp = ['--amp'] if self.amp else []
        return [
            str(self.tools / 'train.py'),
            str(self.config),
            f'--work-dir={self.folder}',
            '--resume',
            *amp,
            *self._settings(),
        ]

    def test_command(self, checkpoint: Path, out: Path) -> list[str]:
        """Arguments of Python that test a checkpoint and write what was measured to a JSON file."""
        work_dir = self.folder / 'test'
        return [
            *(str(self.tools / 'test.py'), str(self.config), str(checkpoint), f'--work-dir={work_dir}'),
            *(f'--out={out}', '--out-item=metrics', *self._settings()),
        ]

    def _settings(self) -> list[str]:
        return [
            '--cfg-options',
            f'randomness.seed={self.seed}',
            *(f'{key}={value}' for key, value in self.options.items()),
        ]
