"""What pyproject.toml cannot say of the build: `configs/` and `tools/` belong to the package, as in MMPretrain."""

from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).parent
FOLDERS = ('configs', 'tools')


class LinkedEditable(editable_wheel):
    """An editable install has links to the folders, where MMEngine looks for `lcv_mm.configs.X`; git ignores them."""

    def run(self) -> None:
        for name in FOLDERS:
            link = ROOT / 'lcv_mm' / name
            if not link.exists():
                link.symlink_to(Path('..', name), target_is_directory=True)
        super().run()


inside = find_namespace_packages(include=['lcv_mm*'], exclude=[f'lcv_mm.{name}*' for name in FOLDERS])
beside = [f'lcv_mm.{package}' for package in find_namespace_packages(include=[f'{name}*' for name in FOLDERS])]
setup(
    packages=[package for package in inside + beside if '__pycache__' not in package],
    package_dir={f'lcv_mm.{name}': name for name in FOLDERS},
    cmdclass={'editable_wheel': LinkedEditable},
)
