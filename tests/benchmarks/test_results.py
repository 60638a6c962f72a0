"""The tables of results and the reached numbers of configs/README.md are what the records give."""

import runpy
from pathlib import Path
from statistics import fmean

from report_folders import add_log, add_run, add_runs

ROOT = Path(__file__).parents[2]
RESULTS = runpy.run_path(str(ROOT / 'benchmarks/results.py'))


def test_the_pages_hold_the_tables_of_the_records():
    for page, text in RESULTS['pages']().items():
        assert page.read_text() == text, 'run benchmarks/results.py'


def test_an_arm_with_cbp_is_compared_with_the_baseline_where_both_have_three_runs():
    def runs(head: str, arm: str, *top1: float) -> list[dict]:
        return [
            dict(config=f'{head}_vgg16', arm=arm, seed=seed, top1=value, cross_entropy=0.5)
            for seed, value in enumerate(top1)
        ]

    of_cbp = [*runs('cbp', 'baseline', 70, 71, 72), *runs('cbp', 'lcv', 73, 74, 75), *runs('cbp', 'attention', 60)]
    baseline, attention, lcv = RESULTS['losses_table']([*of_cbp, *runs('hbp', 'baseline', 10, 11, 12)])
    assert list(baseline.values()) == ['baseline', '3', '71.0 ± 1.0', '0.50', '', '']
    assert list(attention.values())[2:] == ['60.0', '0.50', '', '']
    # equal variances: 3 ± 2.776 (Student's t of four degrees of freedom) * (2 / 3)^0.5; t = 3 / (2 / 3)^0.5
    assert list(lcv.values())[2:] == ['74.0 ± 1.0', '0.50', '**+3.0** (+0.7 to +5.3)', '0.02']


def test_the_primary_contrast_is_of_the_means_over_heads_seed_by_seed():
    top1 = {  # the heads' means of seeds 0, 1, 2: without loss 50, 51, 52; LCV 52, 53, 57; its third HBP run is missing
        'attention_balanced': dict(bcnn=[40, 41, 42], cbp=[50, 51, 52], hbp=[60, 61, 62]),
        'lcv': dict(bcnn=[42, 43, 44], cbp=[52, 53, 60], hbp=[62, 63, 67]),
    }
    runs = [
        dict(config=f'{head}_resnet18_warblers112', arm=arm, seed=seed, top1=value, cross_entropy=0.5)
        for arm, heads in top1.items()
        for head, values in heads.items()
        for seed, value in enumerate(values)
    ]
    starved = dict(runs[-1], arm='attention_balanced', seed=3, top1=0, cross_entropy=2.5)
    of_the_screen = dict(runs[0], config='bcnn_vgg16_warblers112')
    runs = RESULTS['fair_runs']([of_the_screen], [*runs, starved])
    screen, *rows = RESULTS['fair_table'](runs)
    assert (screen['model'], screen['runs']) == ('VGG-16, conv5 and head', '0/0/1/0')
    assert [row['head'] for row in rows] == ['BCNN', 'CBP', 'HBP', '**mean**']  # no run of iSQRT-COV
    # equal variances: 2.776 (Student's t of four degrees of freedom) * (2 / 3)^0.5
    assert rows[0]['LCV minus "w/o loss"'] == '+2.0 (-0.3 to +4.3)'
    # variances 1 and 7: standard error (8 / 3)^0.5, 8^2 / (1 + 49) * 2 = 2.56 degrees of freedom, t = 3.519
    assert [rows[3][name] for name in ('"w/o loss"', 'LCV', 'runs')] == ['51.0 ± 1.0', '54.0 ± 2.6', '0/0/3/3']
    assert rows[3]['LCV minus "w/o loss"'] == '+3.0 (-2.7 to +8.7)'
    # differences 2, 2, 5: 4.303 (two degrees of freedom) times their standard error, 1
    assert rows[3]['paired by seed'] == '+3.0 (-1.3 to +7.3)'
    with_baseline = [*runs, *(dict(run, arm='baseline') for run in runs if run['arm'] == 'attention_balanced')]
    two_arms = [
        dict(run, config='isqrt_resnet18_warblers112') for run in with_baseline if run['arm'] != 'attention_balanced'
    ]
    one_head = [
        dict(run, model='VGG-16, all layers') for run in with_baseline if run['config'] == 'cbp_resnet18_warblers112'
    ]
    readme = RESULTS['help_table']([*with_baseline, *two_arms, *one_head])  # only models with all arms
    assert [row['head'] for row in readme] == ['CBP', '**mean**']
    names = ['model', 'head', 'baseline', '"w/o loss"', 'LCV', 'LCV minus "w/o loss"', 'LCV minus baseline']
    assert [*readme[0]] == names
    found = {key: round(value.mean, 6) for key, value in RESULTS['contrasts'](runs).items()}  # there is no baseline
    contrast = 'LCV minus "w/o loss"'
    means = dict(BCNN=2, CBP=4, HBP=3, mean=3)
    assert found == {('ResNet-18, all layers', head, contrast): mean for head, mean in means.items()}
    assert [label for label, _ in RESULTS['points'](runs)] == [f'ResNet-18, all layers: {contrast}']


def test_the_p_values_of_the_primary_contrasts_are_corrected_for_their_number():
    def runs(arm: str, model: str, *top1: float) -> list[dict]:
        return [
            dict(config=f'{head}_x', arm=arm, model=model, seed=seed, top1=value, cross_entropy=0.5)
            for head in ('bcnn', 'cbp', 'hbp')
            for seed, value in enumerate(top1)
        ]

    one, two = 'VGG-16, conv5 and head', 'ResNet-18, all layers'
    of_one = [*runs('attention_balanced', one, 70, 71, 72), *runs('lcv', one, 73, 74, 76)]
    of_two = [*runs('attention_balanced', two, 70, 71, 72), *runs('lcv', two, 70, 72, 74)]
    apart = [run | dict(seed=run['seed'] + 3 * (run['arm'] == 'lcv'), model='VGG-16, all layers') for run in of_two]
    only_lcv = runs('lcv', 'VGG-16, all layers, backbone at 0.001', 1, 2, 3)
    first, unpaired, second = RESULTS['primary_table']([*of_one, *of_two, *apart, *only_lcv])
    # variances 1 and 4: (5 / 3)^0.5 times 3.22, t of (5 / 3)^2 / (1 / 18 + 16 / 18) = 2.94 degrees of freedom
    assert (unpaired['LCV minus "w/o loss"'], unpaired['paired by seed']) == ('+1.0 (-3.2 to +5.2)', '')
    # differences 3, 3, 4: t = 10, so p = 2 (1 - (1 + 10 / 102^0.5) / 2) = 0.00985; differences 0, 1, 2: t = 3^0.5
    assert (first['model'], first['paired by seed'], first['p, paired']) == (one, '**+3.3** (+1.9 to +4.8)', '0.020')
    assert (second['model'], second['p, paired']) == (two, '0.225')  # 1 - (3 / 5)^0.5


def test_the_page_counts_the_contrasts():
    runs = RESULTS['fair_runs'](RESULTS['read']('screen'), RESULTS['read']('fair'))
    found = RESULTS['contrasts'](runs)
    others = [key for key in found if key[1:] != ('mean', 'LCV minus "w/o loss"')]
    paired = {}
    for model, head, contrast in others:
        arms = RESULTS['fair_results'](runs, model)[head]
        (pair,) = (pair for pair in RESULTS['CONTRASTS'] if RESULTS['contrast_name'](*pair) == contrast)
        paired[model, head, contrast] = RESULTS['arm_difference'](*(arms[arm] for arm in pair), paired=True).p
    ((key, p),) = [
        (key, p)
        for key, p in zip(others, RESULTS['holm']([found[key].p for key in others]), strict=True)
        if found[key].excludes_zero
    ]
    p_paired = dict(zip(paired, RESULTS['holm']([*paired.values()]), strict=True))[key]
    model, head, contrast = key
    sentence = (
        f'Of the {len(others)} exploratory contrasts, one excludes 0: {contrast} for {head} on {model.split(",")[0]} '
    )
    page = ' '.join((ROOT / 'docs/results.md').read_text().split())
    assert f'{sentence}(corrected p = {p:.1g}; paired by seed, {p_paired:.1g})' in page


def test_the_sentences_with_numbers_say_what_the_records_say():
    runs = RESULTS['fair_runs'](RESULTS['read']('screen'), RESULTS['read']('fair'))
    vgg, resnet, slow = 'VGG-16, conv5 and head', 'ResNet-18, all layers', 'ResNet-18, all layers, backbone at 0.001'
    arms = {model: RESULTS['fair_results'](runs, model) for model in (vgg, resnet, slow)}

    def means(ours: str, theirs: str) -> list:
        return [RESULTS['arm_difference'](heads['mean'][ours], heads['mean'][theirs]) for heads in arms.values()]

    lcv, loss, rest = (
        means('lcv', 'baseline'),
        means('lcv', 'attention_balanced'),
        means('attention_balanced', 'baseline'),
    )
    low, high = min(value.interval[0] for value in lcv), max(value.interval[1] for value in lcv)
    rate = RESULTS['arm_difference'](arms[slow]['mean']['baseline'], arms[resnet]['mean']['baseline'])
    linear = arms[resnet]['linear classifier']['baseline']
    bcnn, cbp = (RESULTS['arm_difference'](arms[resnet][head]['baseline'], linear) for head in ('BCNN', 'CBP'))
    interval = '{0[0]:+.1f} to {0[1]:+.1f}'.format
    ends = {
        recipe: [run['top1'] for run in RESULTS['read']('long') if run['recipe'] == recipe]
        for recipe in ('multiplier', 'rows')
    }
    (reached,) = {f'{fmean(top1):.1f}' for top1 in ends.values()}  # the same
    later = RESULTS['difference'](*ends.values())
    rows = {row['row'].replace('LCV on ', ''): row for row in RESULTS['rows_table'](RESULTS['read']('rows'))}
    below = {name: -float(row['LCV minus baseline, here'].split()[0]) for name, row in rows.items()}
    sentences = {
        'results': [
            f'is between {min(lcv).mean:+.1f} and {max(lcv).mean:+.1f} points, averaged over BCNN, CBP and HBP',
            f'(95 % intervals within {low:+.1f} and {high:+.1f})',
            f'LCV is {min(loss).mean:.1f} to {max(loss).mean:.1f} points above the same model without its loss',
            f'"w/o loss" is {-max(rest).mean:.1f} to {-min(rest).mean:.1f} points below the baseline',
            f'gains more, {rate.mean:.1f} points in these 12 epochs ({interval(rate.interval)}, exploratory)',
            f'by {below["HBP, ResNet-18"]:.1f} points for HBP on ResNet-18 (three splits)',
            f'{below["BCNN, VGG-16"]:.1f} (BCNN), {below["CBP, VGG-16"]:.1f} (CBP)',
            f'and {below["HBP, VGG-16"]:.1f} (HBP)',
        ],
        'training': [
            f'adds {rate.mean:.1f} points ({interval(rate.interval)}, exploratory)',
            f'both rates reach {reached} % (three runs each; interval of the difference {interval(later.interval)};',
        ],
        'heads': [f'({bcnn.mean:+.1f}, {interval(bcnn.interval)}, and {cbp.mean:+.1f}, {interval(cbp.interval)};'],
    }
    for name, parts in sentences.items():
        page = ' '.join((ROOT / f'docs/{name}.md').read_text().split())
        for part in parts:
            assert part in page


def test_options_are_compared_over_quarters_with_the_corrected_interval():
    def runs(arm: str, *top1: float) -> list[dict]:
        quarters = [3, 0, 1, 2]  # in any order
        return [
            dict(config='cbp_vgg16_warblers112', arm=arm, quarter=q, top1=top1[q], cross_entropy=0.5) for q in quarters
        ]

    unfinished = runs('lcv_head', 60, 60, 60, 60)[:3]
    default, margin = RESULTS['options_table'](
        [*runs('lcv_margin_0p7', 61, 63, 61, 63), *runs('lcv', 60, 61, 60, 59), *unfinished]
    )
    assert [*default.values()] == [
        'CBP, VGG-16, conv5 and head', 'default: margin 1, maps of the last level', '60.0', '',
    ]  # fmt: skip
    # differences 1, 2, 1, 4: mean 2, variance 2; 3.182 (Student's t of three degrees of freedom) * (2 (1/4 + 1/3))^0.5
    assert [*margin.values()][2:] == ['62.0', '+2.0 (-1.4 to +5.4)']


def test_recipes_are_means_over_seeds_and_alternatives_those_that_were_tried():
    def run(head: str, recipe: str, top1: float, cross_entropy: float) -> dict:
        model = dict(dataset='warblers', backbone='VGG-16', head=head, crop=112)
        return model | dict(recipe=recipe, top1=top1, cross_entropy=cross_entropy)

    runs = [run('CBP', 'rows', 60, 0.4), run('CBP', 'rows', 62, 0.6), run('BCNN', 'rows', 50, 0.5)]
    runs += [run('CBP', 'warm-up', 30, 3.0), run('CBP', 'multiplier', 55, 0.7)]
    probe = dict(dataset='warblers', backbone='VGG-16', head='CBP')
    cbp, bcnn = RESULTS['recipe_table'](runs, [probe | dict(crop=112, top1=41), probe | dict(crop=224, top1=70)])
    assert [*cbp.values()] == ['warblers, VGG-16', 'CBP', '41.0', '', '61.0 ± 1.4 (0.50)', '', '']
    assert [*bcnn.values()][2:5] == ['', '', '50.0 (0.50)']
    (row,) = RESULTS['alternatives_table'](runs)
    assert [*row.values()] == ['warblers, VGG-16, CBP', '61.0 ± 1.4 (0.50)', '30.0 (3.00)', '55.0 (0.70)']


def test_a_tenth_of_the_rate_is_compared_on_quarters_and_is_a_model_of_its_own_on_test_images():
    def run(recipe: str, quarter: int, top1: float, config: str = 'cbp_vgg16_warblers112') -> dict:
        return dict(config=config, arm='baseline', seed=0, recipe=recipe, quarter=quarter, top1=top1, cross_entropy=0.5)

    quarters = [run('rows', q, top1) for q, top1 in enumerate((60, 61, 60, 59))]
    quarters += [run('multiplier', q, top1) for q, top1 in enumerate((61, 63, 61, 63))]
    (row,) = RESULTS['multiplier_table']([*quarters, run('rows', 0, 1, 'cbp_resnet18_warblers112')])
    assert [*row.values()][1:] == ['60.0', '62.0', '+2.0 (-1.4 to +5.4)']  # as above
    tested = run('multiplier', 0, 80, 'cbp_resnet18_warblers112')
    plain = {key: value for key, value in tested.items() if key != 'recipe'} | dict(top1=70)
    runs = RESULTS['fair_runs']([], [tested, plain, tested | dict(arm='lcv_shuffled', top1=83)])
    assert not RESULTS['shuffled_table'](runs)
    (row,) = RESULTS['shuffled_table']([*runs, runs[0] | dict(arm='attention', top1=82)])
    assert [*row.values()][1:] == ['CBP', '80.0', '82.0', '83.0', '1/1/1', '+1.0', '+1.0', '+3.0']
    baselines = {row['model']: row['baseline'] for row in RESULTS['fair_table'](runs)}
    assert baselines == {'ResNet-18, all layers': '70.0', 'ResNet-18, all layers, backbone at 0.001': '80.0'}


def test_an_arm_of_the_fair_test_is_told_by_its_config_and_options():
    slow, shuffled = RESULTS['SLOW_BACKBONE'], {'train_dataloader.batch_sampler': 'None'}
    named = dict(config='cbp_vgg16_warblers112', arm='lcv_shuffled', recipe='multiplier')
    assert RESULTS['fair_arm']('lcv_cbp_vgg16_warblers112', slow | shuffled | {'data_root': 'x'}) == named
    assert RESULTS['fair_runs']([], [named])[0]['model'] == 'VGG-16, all layers, backbone at 0.001'
    assert RESULTS['fair_arm']('cbp_vgg16_warblers112_attention_balanced', shuffled) is None  # its name would lie


def test_the_runs_of_reproduce_become_lines_by_config_and_arm(tmp_path):
    for arm in ('{}', 'lcv_{}', '{}_attention', '{}_attention_balanced'):
        add_runs(tmp_path, **{arm.format('cbp_vgg16_warblers112'): [70.0]})
    options = {'data_root': 'mine', 'model.backbone.init_cfg.checkpoint': 'there/vgg16_features.pth'}
    complete = dict(dataset='OxfordFlower17', images={'train': 680, 'test': 680}, options=options)
    for config, top1 in dict(cbp_vgg16_flower224=90.0, cbp_vgg16_flower224_as_written=80.0).items():
        add_run(tmp_path, config, 0, top1, **complete)
    # other experiments than those of the pages: shorter, or on fewer images
    shorter = dict(options={'train_cfg.max_epochs': '1'})
    add_run(tmp_path, 'hbp_vgg16_flower224', 0, 70.0, **complete | shorter)
    add_run(tmp_path, 'hbp_vgg16_warblers112', 0, 70.0, **shorter)
    add_run(tmp_path, 'bcnn_vgg16_flower224', 0, 70.0, **complete | dict(images={'train': 60, 'test': 60}))
    rows, fair = RESULTS['run_lines'](tmp_path)
    assert {line['config'] for line in fair} == {'cbp_vgg16_warblers112'}
    assert sorted(line['arm'] for line in fair) == ['attention', 'attention_balanced', 'baseline', 'lcv']
    assert [(line['config'], line['arm'], line['top1'], line['options']) for line in rows] == [
        ('cbp_vgg16_flower224', 'rows', 90.0, {'model.backbone.init_cfg.checkpoint': 'vgg16_features.pth'}),
        ('cbp_vgg16_flower224', 'as written', 80.0, {'model.backbone.init_cfg.checkpoint': 'vgg16_features.pth'}),
    ]


def test_reached_rows_stand_beside_the_paper():
    def run(config: str, seed: int, top1: float) -> dict:
        options = {'model.backbone.init_cfg.checkpoint': 'there/vgg16_features.pth'}
        return dict(config=config, arm='rows', seed=seed, top1=top1, cross_entropy=0.1, options=options)

    runs = [run('cbp_vgg16_flower224', 0, 90.12), run('lcv_cbp_vgg16_flower224', 0, 91.0)]
    runs.append(run('cbp_vgg16_flower224', 0, 80.0) | dict(arm='as written'))
    baseline, lcv = RESULTS['rows_table'](runs)
    # the paper: 89.12 and 91.03
    assert (baseline['paper'], baseline['reached'], baseline['reached - paper']) == ('89.12', '90.12', '+1.00')
    (row,) = RESULTS['as_written_table'](runs)
    assert [*row.values()] == ['CBP, VGG-16', '80.00', '1', '0.10', '-10.12', '']
    with_lcv = [*runs, run('lcv_cbp_vgg16_flower224', 0, 79.0) | dict(arm='as written')]
    assert [*RESULTS['as_written_table'](with_lcv)[1].values()][4:] == ['-12.00', '-1.00']
    assert (lcv['reached - paper'], lcv['LCV minus baseline, paper'], lcv['LCV minus baseline, here']) == (
        '-0.03',
        '+1.91',
        '+0.88',
    )
    page = '| LCV | [lcv_cbp_vgg16_flower224](lcv_cbp_vgg16_flower224.py) | 91.03 | |\n'
    weights = "the Caffe authors' VGG-16"
    assert RESULTS['with_reached'](page, runs).endswith(f'| 91.03 | 91.00 with {weights} |\n')


def test_a_row_is_compared_with_its_baseline_split_by_split_with_the_corrected_interval():
    def runs(*top1: float) -> list[dict]:
        return [dict(seed=seed, top1=value) for seed, value in enumerate(top1)]

    value = RESULTS['paired_difference'](runs(71.0, 82.0, 93.0), runs(70.0, 80.0, 90.0)[::-1])
    assert value == '+2.00 (-2.97 to +6.97)'  # 4.303 (t at two degrees of freedom) times (1/3 + 1)^0.5
    assert RESULTS['paired_difference'](runs(71.0, 72.0001, 73.0), runs(70.0, 71.0, 72.0)) == '+1.00'  # rounded
    assert RESULTS['paired_difference'](runs(71.0, 82.0), runs(70.0, 80.0)) == '+1.50'
    assert RESULTS['paired_difference'](runs(71.0), [dict(seed=1, top1=70.0)]) == ''


def test_localisation_is_the_mean_over_heads_and_then_over_seeds():
    def run(head: str, seed: int, pointing: float) -> dict:
        maps = {'Grad-CAM': dict(pointing=pointing, energy=50.0), 'F': dict(pointing=40.0, energy=60.0)}
        return dict(config=f'{head}_x', arm='baseline', seed=seed, localisation=maps)

    runs = [run('bcnn', 0, 70), run('cbp', 0, 90), run('bcnn', 1, 90)]  # seeds 80 and 90
    (row,) = RESULTS['localisation_table'](runs)
    assert row['Grad-CAM, pointing'] == '85.0 ± 7.1'
    assert row["head's input, energy"] == '60.0 ± 0.0'  # without a neck, the backbone's output


def test_features_are_shown_of_rows_measured_with_and_without_lcv():
    def run(config: str, seed: int, intra: float) -> dict:
        measured = dict(dist_intra=intra, dist_inter=1.2, ratio=intra / 1.2, mAP=92.86) | {'Recall@1': 96.91}
        return dict(config=config, arm='rows', seed=seed, top1=97.0, class_variance=measured)

    lcv, alone = run('lcv_cbp_vgg16_flower224', 1, 0.3), run('bcnn_vgg16_flower224', 1, 0.5)
    runs = [run('cbp_vgg16_flower224', 1, 0.4), run('cbp_vgg16_flower224', 2, 0.6), lcv, alone]
    first, second = RESULTS['features_table'](runs)
    assert list(first.values()) == [
        'CBP, VGG-16',
        '2',
        '0.50 ± 0.14',
        '1.20 ± 0.00',
        '0.42 ± 0.12',
        '96.9 ± 0.0',
        '92.9 ± 0.0',
    ]
    assert list(second.values()) == ['LCV on CBP, VGG-16', '1', '0.30', '1.20', '0.25', '96.9', '92.9']


def test_the_errors_of_a_pair_are_compared_image_by_image():
    def run(config: str, seed: int, *wrong: str) -> dict:
        return dict(config=config, arm='rows', seed=seed, wrong=list(wrong))

    runs = [
        run('cbp_vgg16_flower224', 0, 'a', 'b'),
        run('lcv_cbp_vgg16_flower224', 0, *'acdefgh'),
        run('hbp_resnet18_flower224', 2, 'a'),
        run('lcv_hbp_resnet18_flower224', 2, 'a'),
        run('lcv_hbp_resnet18_flower224', 3, 'a'),  # without its baseline
    ]
    # one image of seven only wrong with CBP: 2 * (1 + 7) / 2^7 = 0.125, the smaller of two p
    assert [list(row.values()) for row in RESULTS['errors_table'](runs)] == [
        ['CBP, VGG-16', '1', '1', '1', '6', '0.250'],
        ['HBP, ResNet-18', '2', '1', '0', '0', '1.000'],
    ]


def test_the_complete_model_is_compared_with_its_trained_arms_split_by_split():
    def runs(arm: str, database: str, *maps: float, cross_entropy: float = 0.5) -> list[dict]:
        config = dict(config='phpq_vgg16_flower112', arm=arm, database=database, cross_entropy=cross_entropy)
        return [config | {'seed': seed, 'retrieval/mAP': value} for seed, value in enumerate(maps)]

    of_flowers = [*runs('full', 'codes', 80, 82, 84), *runs('one level', 'codes', 79, 80, 81)]
    starved = runs('mean only', 'codes', 10, 10, 10, cross_entropy=2.0)
    full, no_codes, one_level, mean_only, no_projection = RESULTS['phpq_table']([*of_flowers, *starved])
    assert [*full.values()] == ['with codes', '', '', '82.0', '']
    # differences 1, 2, 3: 4.303 (t at two degrees of freedom) times (1/3 + 1)^0.5
    assert [*one_level.values()][3:] == ['80.0', '+2.0 (-3.0 to +7.0)']
    assert [*mean_only.values()][3:] == ['10.0, not trained', '']
    assert [*no_codes.values()][3:] == [*no_projection.values()][3:] == ['', '']


def test_clusterings_are_compared_split_by_split():
    def runs(arm: str, *accuracies: float) -> list[dict]:
        return [
            dict(features='flower', arm=arm, seed=seed, neighbors=60 + seed, All=value, Old=value - 10, New=value + 10)
            for seed, value in enumerate(accuracies)
        ]

    arms = {'k-means': (50, 50, 50), 'semi-supervised k-means': (50, 51, 52), 'GCA, unguided': (60, 61, 62)}
    table = RESULTS['gca_table'](
        [run for arm, top1 in (arms | {'GCA': (51, 53, 55)}).items() for run in runs(arm, *top1)]
    )
    cells = {row['']: row['flowers'] for row in table}
    assert (cells['neighbours of the same class'], cells['unguided GCA']) == ('61 %', '61.0 / 51.0 / 71.0')
    # differences 1, 2, 3: 4.303 (t at two degrees of freedom) times (1/3)^0.5
    assert cells['GCA minus semi-supervised k-means, All'] == '+2.0 (-0.5 to +4.5)'


def test_the_log_of_a_row_is_read_at_its_epochs(tmp_path):
    folder = add_run(
        tmp_path, 'cbp_vgg16_flower224', 0, 90.0, dataset='OxfordFlower17', images={'train': 680, 'test': 680}
    )
    add_log(folder, [70.0, 80.0])
    (run,), _ = RESULTS['run_lines'](tmp_path)
    assert run['log']['accuracy/top1'] == {1: 70.0}  # the second epoch is not shown
    logged = dict(loss_intra={'60': 0.25}, dist_inter={'1': 1.3, '60': 1.1})
    runs = [run | dict(cross_entropy=0.0124, log=logged), run | dict(seed=1, cross_entropy=0.0126, log=logged)]
    (row,) = RESULTS['log_table'](runs)
    assert [*row.values()] == ['CBP, VGG-16', '2', '0.013', '0.25', '', '', '1.30', '1.10', '', '']
