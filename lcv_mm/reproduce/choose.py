"""Which configs are asked for."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ..errors import ConfigError, did_you_mean
from ..paper import read_rows


def choose_configs(
    configs: Path, tables: Sequence[int] = (), patterns: Sequence[str] = (), dataset: str = ''
) -> list[Path]:
    """The configs of the paper's rows, or of the rehearsal, that fit.

    Args:
        configs (Path): The folder `configs/`.
        tables (Sequence[int]): Numbers of the paper's tables; none for all.
        patterns (Sequence[str]): Names with wildcards, `lcv_*_cub448`, one of which must fit; none for all.
        dataset (str): '' for the paper's own datasets; 'birdlets' for the rehearsal and its ablations.

    Returns:
        list[Path]: In the order of the tables, and of names on Birdlets.

    Raises:
        ConfigError: If a pattern fits no config, or a table is asked for on Birdlets.
    """
    if dataset == 'birdlets':
        if tables:
            raise ConfigError(
                f'--tables {" ".join(map(str, tables))} --dataset {dataset}: the tables are of other datasets; '
                f'expected one of the two: leave one out, and choose among the rows on {dataset} with --rows'
            )
        known = [*sorted(configs.glob('*_birdlets64.py')), *sorted(configs.glob('ablations/*_birdlets64*.py'))]
    else:
        rows = [row for row in read_rows() if not row.quoted and (not tables or row.table in tables)]
        known = [configs / f'{row.config}.py' for row in rows]
    names = [path.stem for path in known]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            of_tables = f' of table {", ".join(map(str, tables))}' if tables else ''
            where = f' on {dataset}' if dataset else of_tables or ' of the paper'
            raise ConfigError(
                f'--rows {pattern}: fits none of the {len(names)} rows{where}{did_you_mean(pattern, names)} Expected a '
                "name, or a pattern such as 'lcv_*'; --dry-run without --rows lists them"
            )
    return [path for path in known if not patterns or any(fnmatchcase(path.stem, pattern) for pattern in patterns)]
