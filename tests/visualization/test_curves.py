import json
from pathlib import Path

import pytest

from lcv_mm.errors import DataError
from lcv_mm.visualization import draw_curves, read_curves
from lcv_mm.visualization.curves import mean_curve


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
    log(tmp_path, '20260101_010000', [dict(loss=1.0, epoch=2, iter=30, step=30), {'accuracy/top1': 50.0, 'step': 2}])
    curves = read_curves(tmp_path)
    assert curves['loss'] == [(1, 3.0), (2, 1.0)]
    assert curves['accuracy/top1'] == [(1, 30.0), (2, 50.0)]
    assert curves['dist_intra'] == [(1, 1.0)]


def test_each_kind_of_value_has_its_panel_and_absent_ones_have_none(tmp_path):
    log(tmp_path, 'a', [dict(loss=1.0, loss_cls=0.5, loss_inter=0.2, loss_intra=0.3, epoch=1, step=1)])
    axes = draw_curves({'a run': [read_curves(tmp_path)]}).axes
    assert [ax.get_ylabel() for ax in axes] == ['training loss', 'pair losses']
    assert {ax.get_xlabel() for ax in axes} == {'epoch'}
    drawn = [[line.get_ydata().tolist() for line in ax.lines] for ax in axes]
    assert drawn == [[[0.5]], [[0.2], [0.3]]]  # the classification loss, not the sum


def test_several_arms_are_drawn_as_the_mean_and_sample_deviation_at_epochs_that_their_runs_share():
    lcv = [{'loss': [(1, 9.0)], 'loss_cls': [(1, 1.0), (2, 4.0), (3, 9.0)]}, {'loss_cls': [(1, 3.0), (2, 4.0)]}, {}]
    baseline = [{'loss': [(1, 5.0), (2, 6.0)], 'epoch': [(1, 1.0)]}]
    epochs, mean, spread = mean_curve(lcv, 'loss_cls')
    assert [epochs.tolist(), mean.tolist()] == [[1, 2], [2.0, 4.0]]
    assert spread.tolist() == pytest.approx([2**0.5, 0.0])
    assert mean_curve(lcv, 'dist_intra') is None
    figure = draw_curves({'lcv': lcv, 'baseline': baseline})
    (axes,) = figure.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[2.0, 4.0], [5.0, 6.0]]
    assert len(axes.collections) == 1  # the band of the arm with two runs
    (legend,) = figure.legends
    colours = {text.get_text(): line.get_color() for text, line in zip(legend.texts, legend.get_lines(), strict=True)}
    assert [line.get_color() for line in axes.lines] == [colours['lcv'], colours['baseline']]


def test_a_folder_without_a_log_is_named(tmp_path):
    with pytest.raises(DataError, match=f'{tmp_path.name} holds no'):
        read_curves(tmp_path)


def steps_of(epochs: list[int], loss: float, first: int = 1) -> list[dict]:
    """Two logged steps of each epoch, and its evaluation."""
    records = []
    for step, epoch in enumerate([epoch for epoch in epochs for _ in range(2)], first):
        records.append(dict(loss=loss, epoch=epoch, iter=step, step=step))
        if step % 2 == 0:
            records.append({'accuracy/top1': loss, 'step': epoch})
    return records


@pytest.mark.parametrize('says', ['', '\nresume = False\n'])
def test_of_two_runs_in_one_folder_the_later_is_read_with_its_resumed_parts(tmp_path, says):
    log(tmp_path, '1', steps_of([1, 2, 3, 4, 5], 9.0))
    # with other intervals a new run may begin later than the first did: its config tells
    log(tmp_path, '2', steps_of([1, 2], 1.0, first=3 if says else 1))
    log(tmp_path, '3', steps_of([3], 2.0, first=7 if says else 5))
    log(tmp_path, '4', [])  # a test
    cut_short = tmp_path / '4/vis_data/config.py'
    cut_short.write_text("model = dict(type='LCVCl")
    for session, text in (('2', says), ('3', '\nresume = True\n')):
        # an option of that name is not what the run counts in
        (tmp_path / session / 'vis_data/config.py').write_text(f'warm_up = dict(max_iters=3)\n{text}')
    curves = read_curves(tmp_path)
    assert curves['loss'] == curves['accuracy/top1'] == [(1, 1.0), (2, 1.0), (3, 2.0)]


@pytest.mark.parametrize('epoch', [{}, {'epoch': 1}])  # as log_processor.by_epoch says
@pytest.mark.parametrize('by_epoch', [True, False])  # LoggerHook's log_metric_by_epoch
def test_a_run_counted_in_iterations_is_drawn_over_them_with_its_evaluations(tmp_path, epoch, by_epoch):
    records: list[dict] = []
    for step in range(10, 60, 10):
        records.append(dict(loss=100.0 / step, iter=step, step=step, **epoch))
        if step % 20 == 0:
            records.append({'accuracy/top1': float(step), 'step': 0 if by_epoch else step})
    for session, part in (('1', records[:4]), ('2', records[4:])):
        log(tmp_path, session, part)
        (tmp_path / session / 'vis_data/config.py').write_text('train_cfg = dict(by_epoch=False, max_iters=50)\n')
    curves = read_curves(tmp_path)
    assert curves['accuracy/top1'] == [(20, 20.0), (40, 40.0)]
    assert curves['loss'] == [(step, 100.0 / step) for step in range(10, 60, 10)]
    assert [ax.get_xlabel() for ax in draw_curves({'a run': [curves]}).axes] == ['iteration', 'iteration']
