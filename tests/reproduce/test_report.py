"""What enters where, and how it is written."""

import json
import math
import re
from pathlib import Path

import pytest
from report_folders import DRAWN, OTHER, add_everything, add_failure, add_logs, add_run

from lcv_mm.errors import DataError, UserFacingError
from lcv_mm.paper import read_comparisons, read_rows
from lcv_mm.reproduce.report import write_report
from lcv_mm.reproduce.report.plots import draw_differences, mean_curve
from lcv_mm.reproduce.report.render import signed
from lcv_mm.reproduce.report.run_groups import Sample

MINUS, DASH = '\N{MINUS SIGN}', '\N{EN DASH}'
TABLE_1 = 'Table 1: CUB-200-2011, 448'
REAL_RUNS = 'Other runs on real images (not a row of the paper)'
REHEARSAL = "Rehearsal on generated data (drawn images, not the paper's)"
ORIGIN = 'What produced these numbers'
GAIN, MADE_ON = f'LCV {MINUS} baseline, reached', 'data, weights, crop, length'
LCV, BASELINE = 'lcv_bcnn_vgg16_cub448', 'bcnn_vgg16_cub448'
FLOWERS = dict(data='real', dataset='OxfordFlower17', images={'train': 680, 'test': 680}, amp=True)
WEIGHTS, ROOT = 'model.backbone.init_cfg.checkpoint', 'train_dataloader.dataset.data_root'
PIPELINE, EPOCHS = 'test_dataloader.dataset.pipeline', 'train_cfg.max_epochs'


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]


def sections(work_dir: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of the Markdown report's tables by its headings, each as {heading of the column: cell}."""
    found: dict[str, list[dict[str, str]]] = {}
    for section in re.split(r'^## ', write_report(work_dir)[1].read_text(), flags=re.MULTILINE)[1:]:
        title, *blocks = section.strip().split('\n\n')
        tables = [[cells(line) for line in block.splitlines()] for block in blocks if block.startswith('|')]
        found[title] = [dict(zip(table[0], row, strict=True)) for table in tables for row in table[2:]]
    return found


def rows(work_dir: Path, section: str, first: str) -> list[dict[str, str]]:
    """The rows of a section that begin with this cell."""
    return [row for row in sections(work_dir)[section] if next(iter(row.values())) == first]


def add_runs(work_dir: Path, begun: dict[str, str] | None = None, /, settings=(), **accuracies: list[float]) -> None:
    """Add runs of configs with seeds 0, 1, ...; `begun` is what their folders were begun with."""
    for config, values in accuracies.items():
        for seed, top1 in enumerate(values):
            folder = add_run(work_dir, config, seed, top1, **dict(settings))
            if begun:
                (folder / 'settings.json').write_text(json.dumps(begun))


def test_an_empty_work_dir_gives_a_report_that_says_so(tmp_path):
    page, markdown = write_report(tmp_path)
    assert (page, markdown) == (tmp_path / 'report.html', tmp_path / 'report.md')
    for file in (page, markdown):
        assert 'Nothing has been run yet.' in file.read_text()
    assert markdown.read_text().count('not run') == len(read_rows())


def test_a_report_that_cannot_be_written_says_so_and_speaks_of_no_checkpoints(tmp_path):
    (tmp_path / 'report.md').mkdir()
    with pytest.raises(UserFacingError, match=r'report\.md: cannot be written') as caught:
        write_report(tmp_path)
    assert not any(word in str(caught.value) for word in ('checkpoint', '--resume'))


def test_a_row_of_the_paper_shows_mean_spread_and_differences(tmp_path):
    add_runs(tmp_path, lcv_bcnn_vgg16_cub448=[74.0, 76.0, 78.0], bcnn_vgg16_cub448=[71.0, 72.0, 76.0])
    # 74, 76, 78: 76 +- 2; the paper has 75.18 and 72.01; differences 3, 4, 2: 3 +- 1
    shown = ['LCV on BCNN', 'VGG-16', '75.18', '76.00 ± 2.00 (3 seeds)', '+0.82', '+3.17', '+3.00 ± 1.00 (3 seeds)']
    ((*row, note),) = (row.values() for row in rows(tmp_path, TABLE_1, 'LCV on BCNN'))
    assert (row, note) == (shown, 'The running text says 75.13.')


@pytest.mark.parametrize(
    ('baseline', 'shown'), [({1: 76.5, 2: 50.0}, f'{MINUS}1.50 (1 seed)'), ({2: 50.0}, 'no common seed')]
)
def test_only_common_seeds_are_paired(baseline, shown, tmp_path):
    add_runs(tmp_path, lcv_bcnn_vgg16_cub448=[70.0, 75.0])
    for seed, top1 in baseline.items():
        add_run(tmp_path, BASELINE, seed, top1)
    assert rows(tmp_path, TABLE_1, 'LCV on BCNN')[0][GAIN] == shown


def test_a_run_whose_classifier_has_not_learned_is_marked_and_in_no_difference(tmp_path):
    trained, untrained = dict(num_classes=200, cross_entropy=0.5), dict(num_classes=200, cross_entropy=2.7)
    add_run(tmp_path, LCV, 0, 70.0, **trained)
    add_run(tmp_path, LCV, 1, 75.0, **trained)
    add_run(tmp_path, BASELINE, 0, 60.0, **trained)
    add_run(tmp_path, BASELINE, 1, 30.0, **untrained)
    (lcv,), (baseline,) = rows(tmp_path, TABLE_1, 'LCV on BCNN'), rows(tmp_path, TABLE_1, 'BCNN')
    assert lcv[GAIN] == '+10.00 (1 seed)'
    assert baseline['note'] == 'Classifier not trained (cross entropy, seed 1: 2.70 of log C = 5.30).'
    add_run(tmp_path, LCV, 0, 70.0, **untrained)
    assert rows(tmp_path, TABLE_1, 'LCV on BCNN')[0][GAIN] == 'classifier not trained'


def test_amp_is_marked_and_neither_averaged_nor_paired_with_full_precision(tmp_path):
    add_run(tmp_path, LCV, 0, 70.0)
    add_run(tmp_path, LCV, 1, 60.0, amp=True)
    add_run(tmp_path, BASELINE, 1, 50.0, amp=True)
    found = [(row['reached'], row[GAIN]) for row in rows(tmp_path, TABLE_1, 'LCV on BCNN')]
    assert found == [('70.00 (1 seed)', 'baseline not run'), ('60.00 (1 seed), amp', '+10.00 (1 seed)')]


@pytest.mark.parametrize(
    ('settings', 'place'),
    [
        (dict(options={EPOCHS: '1'}), REAL_RUNS),
        (OTHER, REAL_RUNS),
        (DRAWN, REHEARSAL),
        (dict(status='failed', metrics={}, error='no memory'), 'Failed runs'),
        (dict(metrics={}), 'Failed runs'),
        (dict(status='failed', error='it has a number all the same'), 'Failed runs'),
    ],
)
def test_what_is_no_whole_run_of_the_row_does_not_stand_beside_its_number(settings, place, tmp_path):
    add_run(tmp_path, 'cbp_vgg16_cub448', 0, 12.34, **settings)
    found = sections(tmp_path)
    assert [row['reached'] for row in found[TABLE_1] if row['method'] == 'CBP'] == ['not run']
    named = [title for title, shown in found.items() if any(row.get('config') == '`cbp_vgg16_cub448`' for row in shown)]
    assert [title for title in named if title != ORIGIN] == [place]
    shown = [title for title, table in found.items() if any('12.34 (1 seed)' in row.values() for row in table)]
    assert shown == ([] if place == 'Failed runs' else [place])


@pytest.mark.parametrize(
    ('key', 'value'),
    [(WEIGHTS, 'data/vgg16_features.pth'), (PIPELINE, "[{'crop_size': 112}]"), (EPOCHS, '12')],
)
def test_other_weights_crops_or_lengths_never_stand_beside_the_papers_number(key, value, tmp_path):
    as_it_stands = {WEIGHTS: 'torchvision://vgg16', PIPELINE: "[{'crop_size': 448}]", EPOCHS: '60'}
    for begun, reached in ((as_it_stands, '70.00 (1 seed)'), (as_it_stands | {key: value}, 'not run')):
        add_runs(tmp_path, begun, cbp_vgg16_cub448=[70.0])
        assert rows(tmp_path, TABLE_1, 'CBP')[0]['reached'] == reached


def test_a_real_run_of_a_config_that_is_no_row_is_not_lost(tmp_path):
    add_runs(tmp_path, my_vgg16_cub448=[12.34])
    assert rows(tmp_path, REAL_RUNS, '`my_vgg16_cub448`')[0]['top-1 (%)'] == '12.34 (1 seed)'


def test_a_quoted_row_says_why_it_does_not_compare(tmp_path):
    (row,) = rows(tmp_path, TABLE_1, 'PHPQ')
    assert list(row.values())[:-1] == ['PHPQ', 'ResNet-18', '74.13, retrieval mAP', 'not run', *[DASH] * 3]
    assert 'retrieval mAP' in row['note']
    assert 'category discovery' in rows(tmp_path, TABLE_1, 'GCA')[0]['note']


def test_the_result_of_a_quoted_row_stands_under_its_own_metrics_name_and_in_no_difference(tmp_path):
    for seed, (found, top1) in enumerate([(60.0, 71.0), (62.0, 73.0)]):
        add_run(tmp_path, 'phpq_resnet18_cub448', seed, top1, metrics={'accuracy/top1': top1, 'retrieval/mAP': found})
    (row,) = rows(tmp_path, TABLE_1, 'PHPQ')
    assert list(row.values())[2:-1] == ['74.13, retrieval mAP', '61.00 ± 1.41 (2 seeds), retrieval mAP', *[DASH] * 3]
    assert row['note'].endswith('Top-1 accuracy reached: 72.00 ± 1.41 (2 seeds).')


def test_other_runs_of_it_have_tables_of_their_own_metric(tmp_path):
    name, last_level = 'phpq_resnet18_birdlets64', 'phpq_resnet18_birdlets64_last_level'
    for config, found in ((name, (30.0, 34.0)), (last_level, (20.0, 22.0))):
        for seed, value in enumerate(found):
            metrics = {'accuracy/top1': 2 * value, 'retrieval/mAP': value}
            add_run(tmp_path, config, seed, 0, **DRAWN | dict(metrics=metrics))
    add_runs(tmp_path, settings=DRAWN, cbp_resnet18_birdlets64=[80.0, 80.0])
    assert 'top-1 (%)' in rows(tmp_path, REHEARSAL, '`cbp_resnet18_birdlets64`')[0]
    (row,) = rows(tmp_path, REHEARSAL, f'`{name}`')
    assert (row['retrieval mAP (%)'], row['top-1 of the same runs (%)']) == tuple(
        f'{mean:.2f} ± {spread:.2f} (2 seeds)' for mean, spread in ((32.0, math.sqrt(8)), (64.0, math.sqrt(32)))
    )
    compared = [row for row in sections(tmp_path)[REHEARSAL] if row.get('config') == f'`{name}`' and 'question' in row]
    assert [row['difference of retrieval mAP (points)'] for row in compared] == ['+11.00 ± 1.41 (2 seeds)']


def test_a_run_that_left_no_number_of_its_metric_has_failed(tmp_path):
    add_run(tmp_path, 'phpq_resnet18_cub448', 0, 70.0)  # top-1 alone
    assert sections(tmp_path)['Failed runs'][0]['error'] == '`It left no retrieval/mAP.`'


def test_a_rehearsal_shows_the_error_of_one_accuracy_and_the_median_time(tmp_path):
    config = 'cbp_resnet18_birdlets64'
    for seed, (top1, seconds) in enumerate([(79.0, 60.0), (81.0, 3000.0), (80.0, 90.0)]):
        add_run(tmp_path, config, seed, top1, **DRAWN, seconds=seconds, untimed_sessions=seed)
    # sqrt(0.8 * 0.2 / 400) = 0.02
    shown = [f'`{config}`', '80.00 ± 1.00 (3 seeds)', '79.00, 81.00, 80.00', '± 2.00', 'Birdlets', '800 / 400']
    assert [list(row.values()) for row in rows(tmp_path, REHEARSAL, f'`{config}`')] == [shown]
    # seconds of training and of the test, sessions, those of unknown time, GiB
    shown = [f'`{config}`', 'generated', '3', '90', '4', '3', '3', '1.00', DASH]
    assert [list(row.values()) for row in rows(tmp_path, ORIGIN, f'`{config}`')] == [shown]


def test_comparisons_are_paired_with_their_interval_and_left_out_without_a_common_seed(tmp_path):
    attention = dict(cbp_resnet18_birdlets64_attention=[71.0, 82.0, 63.0], cbp_resnet18_birdlets64=[70.0, 80.0, 60.0])
    add_runs(tmp_path, settings=DRAWN, **attention)
    add_run(tmp_path, 'cbp_resnet18_birdlets64_balanced', 7, 99.0, **DRAWN)
    # two degrees of freedom: P(|T| < t) = t / sqrt(2 + t^2), so t = 0.95 sqrt(2 / (1 - 0.95^2)); 1, 2, 3: deviation 1
    half = 0.95 * math.sqrt(2 / (1 - 0.95**2)) / math.sqrt(3)
    shown = ['+2.00 ± 1.00 (3 seeds)', '+1.00, +2.00, +3.00', f'{MINUS}{half - 2:.2f} to +{2 + half:.2f}']
    assert list(rows(tmp_path, REHEARSAL, 'Attention alone')[0].values())[1:4] == shown
    assert not rows(tmp_path, REHEARSAL, 'Class-balanced batches alone')


def test_runs_with_options_are_compared_with_their_like_alone(tmp_path):
    add_run(tmp_path, 'lcv_cbp_resnet18_birdlets64', 0, 50.0, **DRAWN, options={EPOCHS: '1'})
    add_run(tmp_path, 'cbp_resnet18_birdlets64', 0, 40.0, **DRAWN)
    assert not rows(tmp_path, REHEARSAL, 'What LCV adds to CBP')


def test_real_images_on_a_cpu_show_the_three_differences_and_what_they_were_made_on(tmp_path):
    base = 'cbp_vgg16_flower112'
    tops = {base: [80.0, 82.0], f'{base}_attention_balanced': [81.0, 85.0], f'lcv_{base}': [84.0, 86.0]}
    begun = {WEIGHTS: 'data/vgg16_features.pth', ROOT: 'data/oxford_flower17', EPOCHS: '12'}
    add_runs(tmp_path, begun | {PIPELINE: "[{'scale': 128}, {'crop_size': 112}]"}, settings=FLOWERS, **tops)
    made_on = 'OxfordFlower17 (oxford\\_flower17), weights vgg16\\_features.pth, crops of 112, 12 epochs'
    assert rows(tmp_path, REAL_RUNS, f'`{base}`')[0][MADE_ON] == made_on
    for question, by_seed in (
        ('what LCV adds', '+4.00, +4.00'),
        ('attention and balanced batches without the loss', '+1.00, +3.00'),
        ('the loss, beside attention and balanced batches', '+3.00, +1.00'),
    ):
        (row,) = rows(tmp_path, REAL_RUNS, f'{base}: {question}'.replace('_', '\\_'))
        assert row['by seed'] == by_seed


def test_folds_that_are_the_seeds_form_one_group(tmp_path):
    for seed, top1 in enumerate((80.0, 82.0)):
        folder = add_run(tmp_path, 'cbp_vgg16_flower112', seed, top1, **FLOWERS, options={ROOT: 'data/fold{seed}'})
        (folder / 'settings.json').write_text(json.dumps({ROOT: f'data/fold{seed}'}))
    assert rows(tmp_path, REAL_RUNS, '`cbp_vgg16_flower112`')[0]['top-1 (%)'] == '81.00 ± 1.41 (2 seeds)'


def test_the_same_run_in_two_folders_is_refused(tmp_path):
    folder = add_run(tmp_path, 'cbp_vgg16_cub448', 0, 70.0)
    folder.with_name('seed_0_copy').mkdir()
    (folder.with_name('seed_0_copy') / 'record.json').write_bytes((folder / 'record.json').read_bytes())
    with pytest.raises(DataError, match=r'seed_0 and .*seed_0_copy both hold'):
        write_report(tmp_path)


def test_seeds_of_two_losses_are_not_averaged(tmp_path):
    weight, config = 'model.variance_loss.weight_intra', 'lcv_cbp_resnet18_birdlets64'
    add_runs(tmp_path, {weight: '1.0'}, settings=DRAWN, lcv_cbp_resnet18_birdlets64=[70.0, 70.0, 70.0])
    assert rows(tmp_path, REHEARSAL, f'`{config}`')[0]['top-1 (%)'] == '70.00 ± 0.00 (3 seeds)'
    (tmp_path / config / 'seed_2/settings.json').write_text(json.dumps({weight: '0.01'}))
    with pytest.raises(DataError, match=r'seed_2: .* those have weight_intra=1.0, and this one weight_intra=0.01'):
        write_report(tmp_path)


def test_different_code_and_machines_are_told_apart(tmp_path):
    add_run(tmp_path, 'cbp_vgg16_cub448', 0, 70.0)
    for seed in (1, 2):
        add_run(tmp_path, 'cbp_vgg16_cub448', seed, 70.0, git={'commit': 'c0ffee', 'changed': True})
    assert [list(row.values()) for row in sections(tmp_path)[ORIGIN][-2:]] == [
        ['1', '`c0ffee`', 'Slow CPU, 2 cores', 'Python 3.11, PyTorch 2.8.0'],
        ['2', '`c0ffee, with uncommitted changes`', 'Slow CPU, 2 cores', 'Python 3.11, PyTorch 2.8.0'],
    ]


def test_what_a_failed_run_said_is_escaped_in_both(tmp_path):
    add_failure(tmp_path, 'cbp_vgg16_cub448', 3, '<script>alert(1)</script> | *a*\n| b')
    page, markdown = (file.read_text() for file in write_report(tmp_path))
    assert '<script' not in page + markdown
    assert '&lt;script&gt;alert(1)&lt;/script&gt; | *a*\n| b' in page
    assert r'| 3 | &lt;script&gt;alert(1)&lt;/script&gt; \| \*a\*<br>\| b |' in markdown


def test_the_page_holds_all_it_needs_has_each_id_once_and_comes_out_the_same_again(tmp_path):
    add_everything(tmp_path)
    first = [file.read_bytes() for file in write_report(tmp_path)]
    assert [file.read_bytes() for file in write_report(tmp_path)] == first
    page = first[0].decode()
    # names of namespaces are no addresses: nothing is loaded from them
    loads = r'<script|<link(?! rel="icon" href="data:,")|@import|src(?:set)?=(?!"data:image/)|url\((?!#)'
    assert re.findall(loads, page) == []
    assert set(re.findall(r'href="(?!#)([^"]*)"', page)) == {'data:,'}
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)', page)) <= set(ids)


@pytest.mark.parametrize(('amps', 'title'), [([True], 'cbp_resnet18_birdlets64'), ([False, True], 'birdlets64, amp')])
def test_a_plot_names_the_setting_where_there_are_several(amps, title, tmp_path):
    for seed, amp in enumerate(amps):
        for config in ('cbp_resnet18_birdlets64', 'lcv_cbp_resnet18_birdlets64'):
            add_logs(add_run(tmp_path, config, seed, 50.0, **DRAWN, amp=amp), [50.0])
    page = write_report(tmp_path)[0].read_text()
    assert [f'{title}, LCV' in page, ', amp, LCV' in page] == [True, len(amps) > 1]


def test_runs_without_readable_logs_keep_their_numbers(tmp_path):
    for config in (LCV, BASELINE):
        for seed in (0, 1):
            add_logs(add_run(tmp_path, config, seed, 70.0), [60.0, 70.0])
    broken, missing = (next(tmp_path.glob(f'lcv_*/seed_{seed}/*/vis_data/scalars.json')) for seed in (0, 1))
    broken.write_text('{"step": 1, "dist')
    missing.unlink()
    page = write_report(tmp_path)[0].read_text()
    assert '70.00 ± 0.00 (2 seeds)' in page
    assert page.count('<img') == 2  # those of the baseline


def test_a_band_is_the_mean_and_sample_deviation_at_epochs_that_all_runs_have():
    runs = [{'dist_inter': [(1, 1.0), (2, 4.0), (3, 9.0)]}, {'dist_inter': [(1, 3.0), (2, 4.0)]}, {}]
    epochs, mean, spread = mean_curve(runs, 'dist_inter')
    assert [epochs.tolist(), mean.tolist()] == [[1, 2], [2.0, 4.0]]
    assert spread.tolist() == pytest.approx([math.sqrt(2), 0.0])
    assert mean_curve(runs, 'dist_intra') is None


def test_no_label_of_a_plot_is_cut_off():
    longest = max((comparison.question for comparison in read_comparisons()), key=len)
    figure = draw_differences([(longest, 1.0, (0.5, 1.5)), ('short', -2.0, None)], 'top-1 accuracy')
    figure.draw_without_rendering()
    for text in figure.axes[0].get_yticklabels():
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert box.x1 <= figure.axes[0].get_window_extent().x0  # left of the axis


def test_a_difference_that_rounds_to_zero_has_no_sign():
    assert [signed(value) for value in (0.004, -0.004, 0.006, -1.5)] == ['0.00', '0.00', '+0.01', f'{MINUS}1.50']


def test_a_few_seeds_have_a_mean_the_deviation_of_a_sample_and_students_interval():
    assert (Sample((75.18,)).text(), Sample((1.0,)).interval) == ('75.18 (1 seed)', None)
    assert Sample((-0.75, -0.25)).text(difference=True) == f'{MINUS}0.50 ± 0.35 (2 seeds)'  # 0.5 / sqrt(2)
    # mean 5, squared distances 9 + 1 + 1 + 9 = 20, over n - 1 = 3
    sample = Sample((2, 4, 6, 8))
    assert (sample.mean, sample.sd) == (5, pytest.approx(math.sqrt(20 / 3)))
    # one degree of freedom: Cauchy's distribution, t = tan(0.475 pi); deviation of 1 and 3: sqrt(2), over sqrt(2)
    half = math.tan(0.475 * math.pi)
    assert Sample((1.0, 3.0)).interval == pytest.approx((2 - half, 2 + half))
