import json
from pathlib import Path

import pytest

from lcv_mm.errors import DataError
from lcv_mm.visualization import draw_curves, read_curves


def log(work_dir: Path, session: str, records: list[dict]) -> None:
    """Write records as MMEngine's LocalVisBackend does."""
    file = work_dir / session / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text('\n'.join(map(json.dumps, records)))


def test_values_are_averaged_over_an_epoch_and_a_resumed_step_counts_once(tmp_path):
    log(
        tmp_path,
        '20260101_000000',
        [
            dict(loss=4.0, dist_intra=1.0, epoch=1, iter=10, step=10),
            dict(loss=2.0, epoch=1, iter=20, step=20),
            {'accuracy/top1': 30.0, 'step': 1},
            dict(loss=9.0, epoch=2, iter=30, step=30),
        ],
    )
    log(
        tmp_path,
        '20260101_010000',
        [dict(loss=1.0, epoch=2, iter=30, step=30), {'accuracy/top1': 50.0, 'step': 2}],
    )
    curves = read_curves(tmp_path)
    assert curves['loss'] == [(1, 3.0), (2, 1.0)]
    assert curves['accuracy/top1'] == [(1, 30.0), (2, 50.0)]
    assert curves['dist_intra'] == [(1, 1.0)]


def test_each_kind_of_value_has_its_panel_and_absent_ones_have_none(tmp_path):
    log(tmp_path, 'a', [dict(loss=1.0, loss_cls=0.5, epoch=1, step=1), {'accuracy/top1': 30.0, 'step': 1}])
    axes = draw_curves(read_curves(tmp_path), 'a run').axes
    assert [ax.get_ylabel() for ax in axes] == ['loss', 'accuracy (%)']
    assert [len(ax.lines) for ax in axes] == [2, 1]


def test_a_folder_without_a_log_is_named(tmp_path):
    with pytest.raises(DataError, match=f'{tmp_path.name} holds no'):
        read_curves(tmp_path)


def test_a_torn_last_line_costs_that_line_alone(tmp_path):
    log(tmp_path, 'a', [dict(loss=1.0, epoch=1, step=1)])
    with (tmp_path / 'a/vis_data/scalars.json').open('a') as file:
        file.write('\n{"loss": 2.0, "epo')
    assert read_curves(tmp_path) == {'loss': [(1, 1.0)], 'epoch': [(1, 1.0)], 'step': [(1, 1.0)]}
