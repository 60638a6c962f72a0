"""What the numbers were produced by: code, machines, versions, time and memory."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from ..record import Record
from .groups import RunGroup
from .numbers import NONE, number
from .parts import Column, Listing, Row, Section, Table

COLUMNS = (
    Column('config', 'code'),
    Column('options', 'code'),
    Column('data'),
    Column('runs', 'number'),
    Column('training (s, median)', 'number'),
    Column('test (s, median)', 'number'),
    Column('sittings', 'number'),
    Column('peak memory, CPU (GiB)', 'number'),
    Column('peak memory, GPU (GiB)', 'number'),
)


def origin_section(groups: Sequence[RunGroup]) -> Section:
    """Of all finished runs."""
    records = [record for group in groups for record in group.records]
    versions = sorted({name for record in records for name in record.versions})
    return Section(
        key='origin',
        title='What produced these numbers',
        tables=(
            Table(
                'Cost of the finished runs.', COLUMNS, tuple(_row(group) for group in groups)
            ).without_empty_columns(),
        ),
        listings=(
            Listing('Code', _counted(_commit(record.git) for record in records)),
            Listing('Machines', _counted(_machine(record.machine) for record in records)),
            Listing(
                'Versions',
                tuple(
                    f'{name}: {"; ".join(_counted(record.versions.get(name, "absent") for record in records))}'
                    for name in versions
                ),
            ),
        ),
    )


def _row(group: RunGroup) -> Row:
    records = group.records
    untimed = sum(record.untimed_sittings for record in records)
    cells = (
        group.config,
        group.setting.label,
        group.setting.data,
        str(len(records)),
        number(median(record.seconds for record in records), 0),
        number(median(record.test_seconds for record in records), 0),
        str(sum(record.sittings for record in records)),
        _peak(records, 'cpu'),
        _peak(records, 'gpu'),
    )
    note = f'Of {untimed} killed sittings the time is not known; it is missing here.' if untimed else ''
    return Row(cells, note, group.data)


def _peak(records: Sequence[Record], kind: str) -> str:
    peak = max(record.peak_memory.get(kind, 0) for record in records)
    return number(peak / 2**30) if peak else NONE


def _counted(values: Iterable[str]) -> tuple[str, ...]:
    """The distinct values, with how many runs have each where they differ."""
    counts = Counter(values)
    if len(counts) == 1:
        return tuple(counts)
    return tuple(f'{value} ({n} run{"s" * (n > 1)})' for value, n in counts.items())


def _commit(git: Mapping[str, object]) -> str:
    if not git:
        return 'outside a git repository'
    return f'commit {git["commit"]}' + ', with uncommitted changes' * bool(git.get('changed'))


def _machine(machine: Mapping[str, object]) -> str:
    gpu = f', {machine["gpu"]}' if machine.get('gpu') else ''
    return f'{machine.get("cpu") or "unknown CPU"}, {machine.get("cores", "?")} cores{gpu}'
