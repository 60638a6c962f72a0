"""Which runs stand where in the report, and what it says of them."""

import json
import re
from pathlib import Path

import pytest
from report_folders import COMPLETE, DRAWN, add_log, add_run, add_runs
from scipy.stats import ttest_ind

from lcv_mm.reproduce import write_report

TABLE_1, TABLE_4 = 'Table 1: CUB-200-2011, crops of 448', 'Table 4: Oxford-Flower-17, crops of 224'
ALL_RUNS = 'All runs'
LCV, BASELINE, TRIPLET = 'lcv_bcnn_vgg16_cub448', 'bcnn_vgg16_cub448', 'triplet_bcnn_vgg16_cub448'
WEIGHTS, ROOT = 'model.backbone.init_cfg.checkpoint', 'train_dataloader.dataset.data_root'
PIPELINE, EPOCHS = 'test_dataloader.dataset.pipeline', 'train_cfg.max_epochs'
TRAINED, UNTRAINED = dict(num_classes=200, cross_entropy=0.5), dict(num_classes=200, cross_entropy=2.7)


def sections(work_dir: Path, *configs: str, **kwargs) -> dict[str, list[dict[str, str]]]:
    """The rows of the tables by the heading above them, each as {heading of the column: cell}."""
    page = write_report(work_dir, configs or [path.name for path in sorted(work_dir.iterdir())], **kwargs).read_text()
    found: dict[str, list[dict[str, str]]] = {}
    for section in re.split(r'^##? ', page, flags=re.MULTILINE)[1:]:
        title, *blocks = section.strip().split('\n\n')
        tables = [[re.split(r' ?\| ?', line)[1:-1] for line in text.splitlines()] for text in blocks if text[0] == '|']
        found[title] = [dict(zip(table[0], row, strict=True)) for table in tables for row in table[2:]]
        found[f'{title}, text'] = [{'': text} for text in blocks if text[0] != '|']
    return found


def rows(work_dir: Path, section: str, first: str) -> list[dict[str, str]]:
    """The rows of a section that begin with this cell."""
    return [row for row in sections(work_dir).get(section, []) if next(iter(row.values())) == first]


def gains(work_dir: Path) -> list[dict[str, str]]:
    """The rows with differences of LCV from its baseline."""
    return [row for row in sections(work_dir)[ALL_RUNS] if row.get('minus') == f'`{BASELINE}`' and LCV in row['config']]


def test_a_row_of_the_paper_shows_paper_reached_and_differences(tmp_path):
    add_runs(tmp_path, lcv_bcnn_vgg16_cub448=[75.0, 76.0, 77.0], bcnn_vgg16_cub448=[72.0, 73.0, 74.0])
    found = sections(tmp_path)
    shown = ['LCV on BCNN', 'VGG-16', '75.18', '76.00 ± 1.00 (seeds: 3)', '+0.82']
    assert [list(row.values())[:-1] for row in found[TABLE_1] if row['method'] == 'LCV on BCNN'] == [shown]
    assert found[f'{TABLE_1}, text'] == [{'': 'All runs: dataset: CUB200; images, train / test: 5994 / 5794.'}]
    assert TABLE_4 not in found
    (gain,) = gains(tmp_path)
    # the paper has 75.18 and 72.01; 3 ± 2.776 * (2 / 3)^0.5, as of two samples of variance 1
    assert (gain['difference'], gain['in the paper']) == ('**+3.00** (+0.73 to +5.27)', '+3.17')


def test_a_run_whose_classifier_has_not_learned_is_marked_and_in_no_difference(tmp_path):
    for config, seed, top1, trained in ((LCV, 0, 70, TRAINED), (LCV, 1, 75, TRAINED), (BASELINE, 0, 60, TRAINED)):
        add_run(tmp_path, config, seed, top1, **trained)
    add_run(tmp_path, BASELINE, 1, 30.0, **UNTRAINED)
    (baseline,), (gain,) = rows(tmp_path, TABLE_1, 'BCNN'), gains(tmp_path)
    assert gain['difference'] == '+12.50'  # 72.5 - 60
    assert baseline['note'] == 'classifier not trained (seeds: 1)'
    add_run(tmp_path, BASELINE, 0, 60.0, **UNTRAINED)
    assert not gains(tmp_path)
    compared = sections(tmp_path, BASELINE, LCV, baseline=BASELINE)[f'Comparison with `{BASELINE}`']
    assert [('difference' in row, bool(row['note'])) for row in compared] == [(False, True), (False, False)]


def test_mixed_precision_is_marked_and_neither_averaged_nor_compared_with_full_precision(tmp_path):
    add_run(tmp_path, LCV, 0, 70.0)
    add_run(tmp_path, LCV, 1, 60.0, amp=True)
    add_run(tmp_path, BASELINE, 1, 50.0, amp=True)
    found = [(row['reached'], row['precision']) for row in rows(tmp_path, TABLE_1, 'LCV on BCNN')]
    assert found == [('70.00 (seeds: 1)', ''), ('60.00 (seeds: 1)', 'mixed (amp)')]
    assert [(row['config'], row['difference']) for row in gains(tmp_path)] == [(f'`{LCV}`, mixed (amp)', '+10.00')]


@pytest.mark.parametrize(
    'settings',
    [
        dict(options={EPOCHS: '1'}),
        dict(images={'train': 5993, 'test': 5794}),
        dict(images={'train': 5994, 'test': 5793}),
        DRAWN | dict(images=COMPLETE['images']),
        dict(status='failed', metrics={}, error='no memory'),
        dict(metrics={}),
    ],
)
def test_a_run_that_is_no_row_of_the_paper_does_not_stand_beside_its_number(settings, tmp_path):
    add_run(tmp_path, 'cbp_vgg16_cub448', 0, 12.34, **settings)
    found = sections(tmp_path)
    assert not rows(tmp_path, TABLE_1, 'CBP')
    if settings.get('metrics', True):
        assert [(row['config'], row['top-1 (%)']) for row in found[ALL_RUNS]] == [('`cbp_vgg16_cub448`', '12.34')]
    assert ('Failed runs' in found) != (ALL_RUNS in found)


def test_other_crops_and_lengths_are_no_row_and_other_weights_are_named(tmp_path):
    as_it_stands = {WEIGHTS: 'torchvision://vgg16', PIPELINE: "[{'crop_size': 448}]", EPOCHS: '60'}
    for change, reached in (
        ({}, ['70.00 (seeds: 1)']),
        ({WEIGHTS: 'data/vgg16_caffe.pth'}, ['70.00 (seeds: 1), with vgg16_caffe.pth']),
        ({WEIGHTS: 'None'}, ['70.00 (seeds: 1), with random weights']),
        (
            {WEIGHTS: 'None', 'model.backbone.init_cfg': "[{'checkpoint': 'a/mine.pth'}]"},
            ['70.00 (seeds: 1), with mine.pth'],
        ),
        ({WEIGHTS: 'None', 'model.pretrained': 'a/mine.pth'}, ['70.00 (seeds: 1), with mine.pth']),
        ({WEIGHTS: 'None', 'model.backbone.pretrained': 'True'}, ['70.00 (seeds: 1)']),  # of timm
        ({PIPELINE: "[{'crop_size': 112}]"}, []),
        ({EPOCHS: '12'}, []),
    ):
        add_runs(tmp_path, as_it_stands | change, cbp_vgg16_cub448=[70.0])
        assert [row['reached'] for row in rows(tmp_path, TABLE_1, 'CBP')] == reached


@pytest.mark.parametrize(
    ('key', 'column', 'ours', 'theirs'),
    [(WEIGHTS, 'weights', 'vgg16', 'vgg16_caffe.pth'), ('train_dataloader.batch_size', 'batch size', '10', '16')],
)
def test_other_weights_or_batches_are_compared_only_where_that_was_wished(tmp_path, key, column, ours, theirs):
    add_runs(tmp_path, {key: ours}, lcv_bcnn_vgg16_cub448=[75.0])
    add_runs(tmp_path, {key: theirs}, bcnn_vgg16_cub448=[70.0])
    assert not gains(tmp_path)
    compared = sections(tmp_path, BASELINE, LCV, baseline=BASELINE)[f'Comparison with `{BASELINE}`']
    assert [row[column] for row in compared[:2]] == [theirs, ours]
    assert compared[2]['difference'] == '+5.00'


def test_seeds_of_two_losses_are_not_averaged(tmp_path):
    begun = {WEIGHTS: 'torchvision://vgg16', 'model.variance_loss.weight_intra': '1.0'}
    add_runs(tmp_path, begun, lcv_bcnn_vgg16_cub448=[70.0, 72.0])
    assert [row['reached'] for row in rows(tmp_path, TABLE_1, 'LCV on BCNN')] == ['71.00 ± 1.41 (seeds: 2)']
    (tmp_path / LCV / 'seed_1/settings.json').write_text(
        json.dumps(begun | {'model.variance_loss.weight_intra': '0.01'})
    )
    assert len(rows(tmp_path, TABLE_1, 'LCV on BCNN')) == 2


def test_folds_that_are_the_seeds_form_one_group_of_the_row(tmp_path):
    flowers = dict(dataset='OxfordFlower17', images={'train': 680, 'test': 680})
    for seed, top1 in enumerate((80.0, 82.0)):
        options = {'train_dataloader.dataset.fold': '{seed}'}
        add_run(tmp_path, 'cbp_vgg16_flower224', seed, top1, options=options, **flowers)
    (row,) = rows(tmp_path, TABLE_4, 'CBP')
    assert row['reached'] == '81.00 ± 1.41 (seeds: 2)'


def test_a_quoted_row_stands_under_its_own_metrics_name_and_in_no_difference(tmp_path):
    for seed, (found, top1) in enumerate([(60.0, 71.0), (62.0, 73.0)]):
        add_run(tmp_path, 'phpq_resnet18_cub448', seed, top1, metrics={'accuracy/top1': top1, 'retrieval/mAP': found})
    (row,) = rows(tmp_path, TABLE_1, 'PHPQ')
    assert row['paper'] == '74.13, retrieval mAP'
    assert row['reached'] == '61.00 ± 1.41 (seeds: 2), retrieval mAP'
    assert 'reached - paper' not in row  # nor in any other: the column is left out


def test_runs_that_measured_different_metrics_are_not_averaged(tmp_path):
    add_run(tmp_path, 'phpq_resnet18_cub448', 0, 0, metrics={'accuracy/top1': 71.0, 'retrieval/mAP': 60.0})
    add_run(tmp_path, 'phpq_resnet18_cub448', 1, 0, metrics={'accuracy/top1': 73.0})
    found = sections(tmp_path)[ALL_RUNS]
    assert [(row.get('top-1 (%)'), row.get('retrieval mAP (%)')) for row in found] == [('73.00', None), (None, '60.00')]
    assert rows(tmp_path, TABLE_1, 'PHPQ')[0]['reached'] == '60.00 (seeds: 1), retrieval mAP'


def test_ablations_of_each_metric_have_their_comparisons(tmp_path):
    name = 'phpq_resnet18_birdlets64'
    for config, found in ((name, (30.0, 34.0)), (f'{name}_last_level', (20.0, 22.0))):
        for seed, value in enumerate(found):
            add_run(tmp_path, config, seed, 0, **DRAWN | dict(metrics={'accuracy/top1': 80, 'retrieval/mAP': value}))
    arms = dict(cbp_resnet18_birdlets64=[70.0], cbp_resnet18_birdlets64_attention=[71.5])
    add_runs(tmp_path, settings=DRAWN, **arms, lcv_cbp_resnet18_birdlets64_shuffled=[60.0])
    found = sections(tmp_path)[ALL_RUNS]
    assert [row['difference'] for row in found if row.get('minus') == f'`{name}_last_level`'] == ['+11.00']
    assert [row['difference'] for row in found if row.get('question') == 'Attention alone'] == ['+1.50']
    (shuffled,) = [
        row for row in found if row.get('config') == '`lcv_cbp_resnet18_birdlets64_shuffled`' and 'minus' in row
    ]
    assert shuffled['minus'] == '`cbp_resnet18_birdlets64_attention`'  # its other side was not run


def test_a_comparison_shows_each_seed_differences_cost_and_curves_of_all_arms(tmp_path):
    top1 = {BASELINE: [70.0, 71.0, 72.0], LCV: [73.0, 74.0, 75.0], TRIPLET: [70.0, 72.0]}
    for config, values in top1.items():
        for seed, value in enumerate(values):
            settings = dict(amp=False, parameters=14_700_000, seconds=60.0 + 30 * seed)
            add_log(add_run(tmp_path, config, seed, value, **settings), [value - 20, value])
    out = tmp_path / 'report'
    found = sections(tmp_path, *top1, 'cbp_vgg16_cub448', baseline=BASELINE, out=out)
    table = found[f'Comparison with `{BASELINE}`']
    assert list(table[1].values()) == [f'`{LCV}`', '74.00 ± 1.00', '0: 73.00, 1: 74.00, 2: 75.00']
    # p of t = 3 / (2 / 3)^0.5 at four degrees of freedom; the paper has 75.18 and 72.01
    minus, gain = f'`{BASELINE}`', ['**+3.00** (+0.73 to +5.27)', '0.021', '+3.17']
    assert [list(row.values()) for row in table[3:]] == [
        [f'`{LCV}`', minus, *gain],
        [f'`{TRIPLET}`', minus, '+0.00', '', ''],
    ]
    text = [block[''] for block in found[f'Comparison with `{BASELINE}`, text']]
    assert 'No finished run: `cbp_vgg16_cub448`.' in text
    for name in ('differences_accuracy_top1', 'curves'):
        assert f'![{name}]({name}.png)' in text
        assert (out / f'{name}.png').read_bytes().startswith(b'\x89PNG')
    assert found['Cost, text'] == [{'': 'All runs: machine: Slow CPU, 2 cores; commit: c0ffee.'}]
    # runs, millions of parameters, seconds of training, GiB
    assert list(found['Cost'][0].values()) == [f'`{BASELINE}`', '3', '14.70', '90', '1.00']


def test_of_two_comparisons_the_smaller_p_is_doubled(tmp_path):
    top1 = {BASELINE: [70.0, 71.0, 72.0], LCV: [73.0, 74.0, 75.0], TRIPLET: [70.0, 73.0, 75.0]}
    add_runs(tmp_path, **top1)
    found = sections(tmp_path, *top1, baseline=BASELINE)[f'Comparison with `{BASELINE}`']
    smaller, larger = (ttest_ind(top1[config], top1[BASELINE], equal_var=False).pvalue for config in (LCV, TRIPLET))
    assert 2 * smaller < larger
    assert [row['p'] for row in found if 'p' in row] == [f'{2 * smaller:.3f}', f'{larger:.3f}']


def test_runs_without_readable_logs_keep_their_numbers(tmp_path):
    for seed in (0, 1):
        folder = add_run(tmp_path, LCV, seed, 70.0)
        add_log(folder, [60.0])
        (folder / '20260101_000000/vis_data/scalars.json').write_text('{"step": "x", "loss": []}\n{"step": 1, "dist')
    found = sections(tmp_path, LCV, BASELINE, baseline=BASELINE)
    assert found[f'Comparison with `{BASELINE}`'][0]['top-1 (%)'] == '70.00 ± 0.00'
    assert not (tmp_path / 'curves.png').exists()


def test_different_code_is_told_apart_where_runs_differ_in_it(tmp_path):
    add_run(tmp_path, 'cbp_vgg16_cub448', 0, 70.0)
    add_run(tmp_path, 'hbp_vgg16_cub448', 0, 70.0, git={'commit': 'c0ffee', 'changed': True})
    assert [row['commit'] for row in sections(tmp_path)['Cost']] == ['c0ffee', 'c0ffee with uncommitted changes']
