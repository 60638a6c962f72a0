"""Which releases of the toolbox are installed."""

import warnings
from importlib.metadata import distribution, packages_distributions

PACKAGES = ('mmengine', 'mmcv', 'mmpretrain')


def warn_of_overwritten_toolbox() -> None:
    """Warn where the official and the maintained release of a toolbox package were installed over each other.

    They have the same files: the second overwrites the first without a word, and to uninstall either deletes both.
    """
    owners = packages_distributions()
    for package in PACKAGES:
        folders: dict[str, list[str]] = {}
        for name in sorted(set(owners.get(package, []))):
            folders.setdefault(str(distribution(name).locate_file('')), []).append(name)
        for names in folders.values():
            if len(names) > 1:
                warnings.warn(
                    f"{' and '.join(names)} are both installed and overwrite each other's files of `{package}`: "
                    f'uninstall both, then install the one you want (pip uninstall -y {" ".join(names)})',
                    stacklevel=3,
                )
