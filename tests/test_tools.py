"""The commands, run as a user runs them: real files, the real Runner; the first run in processes of its own."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import draw_noise
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from tiny_run import ROOT, run_python, start_tool, tiny_options

CONFIG = ROOT / 'configs/birdlets/lcv_cbp_resnet18_birdlets.py'

pytestmark = pytest.mark.slow


def options(data_root: Path, **more: object) -> list[str]:
    """`--cfg-options` that shrink the Birdlets config to seconds."""
    return ['--cfg-options', *tiny_options(data_root, **{'model.head.out_dim': 128} | more)]


def logged(work_dir: Path) -> list[dict]:
    """All records that the run logged, in the order of its sessions."""
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def predicted(run_here: Callable, checkpoint: Path, out: Path, *args: object, config: object = CONFIG) -> list[dict]:
    """What tools/test.py writes for each test image."""
    run_here('test', config, checkpoint, '--out', out, *args)
    return pickle.loads(out.read_bytes())


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """Data and work dir of a run that was stopped after its first epoch and resumed for a second."""
    folder = tmp_path_factory.mktemp('run')
    data, work_dir = folder / 'birdlets', folder / 'work'
    for epochs, more in ((1, []), (2, ['--resume'])):
        args = (CONFIG, '--work-dir', work_dir, '--amp', *more, *options(data, **{'train_cfg.max_epochs': epochs}))
        process = start_tool(folder / 'output', 'train', *args)
        process.join(600)
        assert process.exitcode == 0, (folder / 'output').read_text()[-3000:]
    return data, work_dir


def test_training_logs_the_total_and_its_parts_and_ends_with_where_they_are(trained):
    data, work_dir = trained
    said = f'Trained: checkpoints and log are in {work_dir}. Next: lcv_mm test {work_dir}/{CONFIG.name} '
    assert (data.parent / 'output').read_text().splitlines()[-1] == f'{said}{work_dir}/epoch_2.pth'
    assert 'will be deprecated' not in ''.join(file.read_text() for file in work_dir.glob('*/*.log'))
    steps = [record for record in logged(work_dir) if 'loss' in record]
    assert [record['step'] for record in steps] == [1, 2, 3, 4, 5, 6]  # 24 images in batches of 8, two epochs
    for record in steps:
        parts = record['loss_cls'] + record['loss_inter'] + record['loss_intra']
        assert record['loss'] == pytest.approx(parts, rel=1e-5)
        assert 0 < record['dist_intra'] <= 2
        assert 0 < record['dist_inter'] <= 2


def test_resume_carries_on_from_the_last_checkpoint(trained):
    work_dir = trained[1]
    assert Path((work_dir / 'last_checkpoint').read_text()).name == 'epoch_2.pth'
    first, second = (torch.load(work_dir / f'epoch_{i}.pth', weights_only=False) for i in (1, 2))
    assert (first['meta']['epoch'], first['meta']['iter']) == (1, 3)
    assert (second['meta']['epoch'], second['meta']['iter']) == (2, 6)
    # the momentum came along: the warm-up was not started anew
    assert second['optimizer']['param_groups'][0]['lr'] > first['optimizer']['param_groups'][0]['lr']
    for name in ('head.pool.h1', 'head.pool.s1', 'head.pool.h2', 'head.pool.s2'):
        assert torch.equal(first['state_dict'][name], second['state_dict'][name])


def test_resume_without_a_checkpoint_begins_with_the_weights_of_the_config(tmp_path, run_here):
    here = ('--work-dir', tmp_path / 'work', *options(tmp_path / 'birdlets', load_from=tmp_path / 'mine.pth'))
    assert 'mine.pth' in run_here('train', CONFIG, '--resume', *here, check=False).stderr


def test_a_test_leaves_the_config_of_the_run_as_it_was(trained, run_here):
    work_dir = trained[1]
    config = work_dir / CONFIG.name
    before = config.read_text()
    run_here('test', config, work_dir / 'epoch_2.pth', '--tta')
    assert config.read_text() == before
    assert 'AverageClsScoreTTA' in (work_dir / 'test' / CONFIG.name).read_text()


def test_images_without_a_file_such_as_those_of_mnist_are_analysed(tmp_path, run_here):
    samples = [dict(pred_score=torch.eye(2)[i], gt_label=torch.tensor([i])) for i in (0, 1)]
    (tmp_path / 'pred.pkl').write_bytes(pickle.dumps(samples))
    listed = dict(metainfo=dict(classes=['a', 'b']), data_list=[dict(gt_label=0), dict(gt_label=1)])
    (tmp_path / 'list.json').write_text(json.dumps(listed))
    dataset = dict(type='BaseDataset', ann_file=str(tmp_path / 'list.json'), data_prefix={}, pipeline=[])
    (tmp_path / 'c.py').write_text(f'test_dataloader = dict(dataset={dataset})')
    run_here('analyze', tmp_path / 'c.py', tmp_path / 'pred.pkl')
    assert (tmp_path / 'analysis.html').is_file()


def test_the_accuracy_is_the_share_of_right_predictions_and_each_image_has_its_picture(trained, tmp_path, run_here):
    data, work_dir = trained
    end = ('--work-dir', tmp_path, *options(data))
    metrics = ('--out', tmp_path / 'm.json', '--out-item', 'metrics', '--show-dir', tmp_path / 'show')
    run_here('test', CONFIG, work_dir / 'epoch_2.pth', *metrics, *end, 'visualizer=None')
    predictions = predicted(run_here, work_dir / 'epoch_2.pth', tmp_path / 'pred.pkl', *end)
    # the truth from CUB's own lists, not from our loading code
    lists = [
        dict(line.split() for line in (data / f'{name}.txt').read_text().splitlines())
        for name in ('image_class_labels', 'train_test_split')
    ]
    truth = [int(lists[0][image]) - 1 for image in lists[0] if lists[1][image] == '0']
    right = [int(sample['pred_label']) == label for sample, label in zip(predictions, truth, strict=True)]
    measured = json.loads((tmp_path / 'm.json').read_text())
    assert measured['accuracy/top1'] == pytest.approx(100 * sum(right) / len(right))
    # named by the folders too: images of one name do not overwrite each other
    images = dict(line.split() for line in (data / 'images.txt').read_text().splitlines())
    pictures = {f'{images[i].replace("/", "__")}_0.png' for i in images if lists[1][i] == '0'}
    assert {path.name for path in (tmp_path / 'show').iterdir()} == pictures


@pytest.mark.parametrize(('classes', 'code'), [(['hawk', 'owl'], 0), (['owl', 'hawk'], 1)])
def test_predictions_are_not_read_with_the_classes_of_another_order(classes, code, tmp_path, run_here):
    files = [str(tmp_path / 'data' / name / '1.png') for name in ('hawk', 'owl')]
    for file in files:
        draw_noise(Path(file), 40, 40)
    scores = torch.eye(2)
    samples = [dict(img_path=file, pred_score=scores[i], gt_label=torch.tensor([i])) for i, file in enumerate(files)]
    (tmp_path / 'pred.pkl').write_bytes(pickle.dumps(samples))
    dataset = dict(type='lcv_mm.ImageFolder', data_root=str(tmp_path / 'data'), pipeline=[])
    (tmp_path / 'c.py').write_text(f'test_dataloader = dict(dataset={dataset | dict(metainfo=dict(classes=classes))})')
    done = run_here('analyze', tmp_path / 'c.py', tmp_path / 'pred.pkl', check=False)
    assert (done.returncode, (tmp_path / 'analysis.html').is_file()) == (code, code == 0), done.stderr


def test_tta_is_the_mean_over_each_image_and_its_mirror_image(trained, tmp_path, run_here):
    data, work_dir = trained
    cfg = Config.fromfile(CONFIG)
    cfg.test_dataloader.dataset.pipeline.insert(3, dict(type='RandomFlip', prob=1.0))
    cfg.dump(tmp_path / 'mirrored.py')
    scores = []
    for number, (config, *args) in enumerate([(CONFIG,), (tmp_path / 'mirrored.py',), (CONFIG, '--tta')]):
        out, end = tmp_path / f'{number}.pkl', ('--work-dir', tmp_path, *args, *options(data))
        samples = predicted(run_here, work_dir / 'epoch_2.pth', out, *end, config=config)
        scores.append(torch.stack([sample['pred_score'] for sample in samples]))
    plain, mirrored, both = scores
    torch.testing.assert_close(both, (plain + mirrored) / 2)
    assert not torch.allclose(plain, mirrored)


class OddMetric(BaseMetric):
    """What a metric of a user may give."""

    def process(self, data_batch: object, data_samples: list) -> None:
        self.results.append(len(data_samples))

    def compute_metrics(self, results: list) -> dict:
        values = {'tensor': torch.tensor(3.0), 'nan': float('nan'), 'tensors': torch.tensor([1.0, torch.inf])}
        return values | {'array': np.arange(2), 'number': np.float32(0.5), 'shape': torch.Size([2])}


def test_metrics_of_any_kind_are_json_and_neither_a_picture_nor_a_metric_that_fails_costs_a_result(
    trained, tmp_path, run_here, monkeypatch
):
    cfg = Config.fromfile(CONFIG)
    cfg.test_evaluator = [dict(type='test_tools.OddMetric')]
    cfg.dump(tmp_path / 'odd.py')
    (tmp_path / 'show').write_text('no folder: no picture can be written')
    out = ('--out', tmp_path / 'metrics.json', '--out-item', 'metrics')
    args = (tmp_path / 'odd.py', trained[1] / 'epoch_2.pth', *out)
    run_here('test', *args, '--show-dir', tmp_path / 'show', '--work-dir', tmp_path / 'work', *options(trained[0]))
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert metrics == dict(tensor=3.0, nan=None, tensors=[1.0, None], array=[0, 1], number=0.5, shape=[2])
    monkeypatch.setattr(OddMetric, 'compute_metrics', lambda self, results: 1 / 0)
    end = ('--work-dir', tmp_path / 'work', *options(trained[0]))
    with pytest.raises(ZeroDivisionError):
        run_here('test', tmp_path / 'odd.py', trained[1] / 'epoch_2.pth', '--out', tmp_path / 'p.pkl', *end)
    assert len(pickle.loads((tmp_path / 'p.pkl').read_bytes())) == 12


def test_weights_that_are_not_finite_are_not_tested(trained, tmp_path, run_here):
    checkpoint = torch.load(trained[1] / 'epoch_2.pth', weights_only=False)
    checkpoint['state_dict']['head.fc.weight'].fill_(torch.nan)
    torch.save(checkpoint, tmp_path / 'nan.pth')
    out = ('--out', tmp_path / 'metrics.json', '--out-item', 'metrics', '--work-dir', tmp_path)
    done = run_here('test', CONFIG, tmp_path / 'nan.pth', *out, *options(trained[0]), check=False)
    assert done.returncode == 1
    assert 'nan.pth: head.fc.weight contains NaN or +inf' in done.stderr
    assert not (tmp_path / 'metrics.json').exists()


COMMAND = """
import sys
import lcv_mm_cli
try:
    lcv_mm_cli.main()
finally:
    print({'lcv_mm', 'mmpretrain', 'torch'} & {*sys.modules})
"""


def test_the_command_answers_help_names_and_version_at_once():
    for args, said in [
        (['--help'], 'TOOL: analyze, '),
        (['train', '--help'], 'usage: lcv_mm train [-h]'),
        (['--version'], 'lcv_mm 0.1.0'),
        (['configs', 'lcv_*resnet50_224'], 'own_images/lcv_cbp_resnet50_224'),
        (['configs'], '\nlcv_cbp_vgg16_cub448\n'),
    ]:
        done = run_python('-c', COMMAND, *args)
        assert said in done.stdout
        assert done.stdout.splitlines()[-1] == 'set()'  # no import that takes seconds
    assert '_base_/' not in done.stdout
    done = run_python('-c', COMMAND, 'trian', check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "error: no tool 'trian'")
